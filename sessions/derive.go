package sessions

import (
	"crypto/hkdf"
	"crypto/sha256"
	"slices"
)

// Derive returns secrets of 32 bytes for a purpose of the program's own, such as another
// cookie: one for each of Config.Keys, in their order, so that what the second has made
// is still good after a change of keys. They are made by HKDF-SHA256 (RFC 5869) of the
// Hash of each key, Config.Site and the purpose, and say nothing of the key or of the
// secrets of another purpose. Safe for concurrent use.
func (m *Manager) Derive(purpose string) [][]byte { return m.derive(purpose) }

// deriver keeps the keys where no print of a Manager shows them.
func deriver(keys []Key, site string) func(purpose string) [][]byte {
	hashes := make([][]byte, len(keys))
	for i, key := range keys {
		hashes[i] = slices.Clone(key.Hash)
	}
	return func(purpose string) [][]byte {
		secrets := make([][]byte, len(hashes))
		for i, hash := range hashes {
			secret, err := hkdf.Key(sha256.New, hash, nil, "webapp2go secret 1\x00"+site+"\x00"+purpose, sha256.Size)
			if err != nil {
				panic("sessions: " + err.Error()) // of a length that HKDF cannot make, and this is none
			}
			secrets[i] = secret
		}
		return secrets
	}
}
