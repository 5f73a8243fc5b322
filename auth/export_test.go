package auth

import "context"

// Runs returns how many argon2id hashes p has computed.
func (p *Passwords) Runs() int64 { return p.runs.Load() }

// Common is the list of common passwords. IsCommon reports whether a password is in it.
var (
	Common   = common
	IsCommon = isCommon
)

// FoldName returns the text that NameKey compares.
func FoldName(name string) string { return foldName(name) }

// StoredHash returns a stored hash of 32 bytes with the costs in params.
func StoredHash(params Argon2Params, key []byte) string {
	return argon2idHash{Argon2Params: params, salt: []byte("0123456789abcdef"), key: key}.String()
}

// Clients returns how many clients have hashes that wait or run.
func (p *Passwords) Clients() int {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return len(p.clients)
}

// TakeSlots takes n slots and returns a function that gives them back.
func (p *Passwords) TakeSlots(n int) (release func(), err error) {
	var held []func()
	for range n {
		done, err := p.slot(context.Background())
		if err != nil {
			return nil, err
		}
		held = append(held, done)
	}
	return func() {
		for _, done := range held {
			done()
		}
	}, nil
}
