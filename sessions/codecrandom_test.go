package sessions

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
)

// The codec and the library agree on random names, payloads and keys, on values that either of
// them has sealed, and on those values after a change of a few bytes. The variable CODEC_PAIRS
// sets how many are tried.
func TestCodecAgreesAtRandom(t *testing.T) {
	tries := 2_000
	if more, err := strconv.Atoi(os.Getenv("CODEC_PAIRS")); err == nil {
		tries = more
	}
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	keys := testKeys()
	c, err := newCodec(keys)
	if err != nil {
		t.Fatal(err)
	}
	text := func(longest int) []byte {
		b := make([]byte, random.IntN(longest))
		for i := range b {
			if b[i] = byte(random.Uint32()); b[i] == '|' { // the library does not escape it in a name
				b[i] = 'a'
			}
		}
		return b
	}
	opened := 0
	for range tries {
		name, payload, i := string(text(24)), text(200), random.IntN(len(keys))
		one := &codec{keys: c.keys[i : i+1]}
		value := string(one.seal(nil, name, random.Int64N(1<<34), payload))
		if random.IntN(2) == 0 {
			if value, err = library(keys[i]).Encode(name, append([]byte(nil), payload...)); err != nil {
				t.Fatal(err)
			}
		}
		changed := []byte(value)
		for range random.IntN(3) {
			switch at := random.IntN(len(changed)); random.IntN(4) {
			case 0:
				changed = changed[:at+1]
			case 1:
				changed = append(changed[:at:at], append([]byte{byte(random.Uint32())}, changed[at:]...)...)
			default:
				changed[at] ^= 1 << random.IntN(8)
			}
		}
		if _, _, _, ok := c.open(name, string(changed)); ok {
			opened++
		}
		agree(t, c, keys, name, string(changed))
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	t.Logf("seed %d: %d tries, of which %d opened", seed, tries, opened)
	if opened < tries/5 || opened > tries*4/5 {
		t.Errorf("%d of %d opened: nothing is compared", opened, tries)
	}
}
