package sessions

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"strconv"
	"sync"
)

// A codec seals and opens cookie values in the format of gorilla/securecookie v1.1.2
// with a pass-through serializer, byte for byte:
//
//	base64(date "|" base64(payload) "|" HMAC-SHA256(name "|" date "|" base64(payload)))
//
// where the payload is encrypted by AES-CTR if the key has a block. The name is what
// is bound into the signature. That library is the reference in the tests, and New
// proves every key against it; this code is here because it keeps the hashed pads and
// the buffers, dates cookies by Config.Now, and tells the date to its caller.
//
// Safe for concurrent use.
type codec struct {
	keys []*sealer // newest first
}

type sealer struct {
	macs  sync.Pool // of hash.Hash: HMACs whose pads are hashed already
	block cipher.Block
}

var base64Of = base64.URLEncoding

// scratch is what one seal or open needs.
type scratch struct {
	text, decoded []byte
	mac           [sha256.Size]byte
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// done gives s back, unless a session that fits in no cookie has made it large.
func (s *scratch) done() {
	if cap(s.text) <= 4*maxCookie {
		scratches.Put(s)
	}
}

var pipe = []byte{'|'}

func newSealer(k Key) *sealer {
	secret := append([]byte(nil), k.Hash...)
	s := &sealer{macs: sync.Pool{New: func() any { return hmac.New(sha256.New, secret) }}}
	if k.Block != nil {
		s.block, _ = aes.NewCipher(k.Block) // fails only for a length that check refuses
	}
	return s
}

func (s *sealer) sum(to, message []byte) []byte {
	mac := s.macs.Get().(hash.Hash)
	mac.Reset()
	mac.Write(message)
	to = mac.Sum(to)
	s.macs.Put(mac)
	return to
}

// seal appends the sealed payload to dst, always with the newest key.
func (c *codec) seal(dst []byte, name string, date int64, payload []byte) []byte {
	key := c.keys[0]
	if key.block != nil {
		payload = encrypt(key.block, payload)
	}
	s := scratches.Get().(*scratch)
	text := append(append(s.text[:0], name...), '|')
	text = append(strconv.AppendInt(text, date, 10), '|')
	text = base64Of.AppendEncode(text, payload)
	mac := key.sum(s.mac[:0], text)
	text = append(append(text, '|'), mac...)
	dst = base64Of.AppendEncode(dst, text[len(name)+1:])
	s.text = text
	s.done()
	return dst
}

// open returns the payload of value and the date it was sealed at, where one of the
// keys has signed it; key is its place in the list.
func (c *codec) open(name, value string) (payload string, date int64, key int, ok bool) {
	s := scratches.Get().(*scratch)
	defer s.done()
	text := append(append(s.text[:0], name...), '|')
	s.decoded = append(s.decoded[:0], value...)
	text, err := base64Of.AppendDecode(text, s.decoded)
	s.text = text
	if err != nil {
		return "", 0, 0, false
	}
	dated, rest, _ := bytes.Cut(text[len(name)+1:], pipe)
	sealed, mac, found := bytes.Cut(rest, pipe)
	if !found {
		return "", 0, 0, false
	}
	key = c.signedBy(s, text[:len(name)+1+len(dated)+1+len(sealed)], mac)
	if key < 0 {
		return "", 0, 0, false
	}
	date, err = strconv.ParseInt(string(dated), 10, 64)
	if err != nil {
		return "", 0, 0, false
	}
	s.decoded, err = base64Of.AppendDecode(s.decoded[:0], sealed)
	if err != nil {
		return "", 0, 0, false
	}
	plain := s.decoded
	if block := c.keys[key].block; block != nil {
		if plain = decrypt(block, plain); plain == nil {
			return "", 0, 0, false
		}
	}
	return string(plain), date, key, true
}

func (c *codec) signedBy(s *scratch, message, mac []byte) int {
	for i, key := range c.keys {
		if hmac.Equal(mac, key.sum(s.mac[:0], message)) {
			return i
		}
	}
	return -1
}

func encrypt(block cipher.Block, plain []byte) []byte {
	sealed := make([]byte, aes.BlockSize+len(plain))
	rand.Read(sealed[:aes.BlockSize])
	cipher.NewCTR(block, sealed[:aes.BlockSize]).XORKeyStream(sealed[aes.BlockSize:], plain)
	return sealed
}

// decrypt works in place. Like securecookie, it refuses an empty text.
func decrypt(block cipher.Block, sealed []byte) []byte {
	if len(sealed) <= aes.BlockSize {
		return nil
	}
	plain := sealed[aes.BlockSize:]
	cipher.NewCTR(block, sealed[:aes.BlockSize]).XORKeyStream(plain, plain)
	return plain
}
