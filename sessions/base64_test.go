package sessions

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// FuzzBase64 compares the decoder with the library's, which also skips line ends and accepts
// some endings that no encoder writes.
func FuzzBase64(f *testing.F) {
	for _, seed := range []string{"", "QQ==", "QR==", "QUJD", "QUJDREVGR0hJ", "QUJDREVGR0hJSg==", "QUJD\nREVGR0hJSg==", "QUJDRE?GR0hJSg==", "QQ==QQ==QQ==", "QUJDREVGR0hJSg"} {
		f.Add([]byte("before"), seed)
	}
	f.Fuzz(decodesAlike)
}

func TestBase64AgreesAtRandom(t *testing.T) {
	for range 20_000 {
		raw := make([]byte, rand.IntN(80))
		for i := range raw {
			raw[i] = byte(rand.Uint32())
		}
		text := []byte(base64Of.EncodeToString(raw))
		if len(text) > 0 && rand.IntN(2) == 0 {
			text[rand.IntN(len(text))] = byte(rand.Uint32())
		}
		decodesAlike(t, raw[:len(raw)/2], string(text))
	}
}

func decodesAlike(t *testing.T, dst []byte, text string) {
	want, failed := base64Of.AppendDecode(bytes.Clone(dst), []byte(text))
	got, err := appendDecoded(bytes.Clone(dst), text)
	if (err == nil) != (failed == nil) || err == nil && !bytes.Equal(got, want) {
		t.Fatalf("%q: %q, %v; the library: %q, %v", text, got, err, want, failed)
	}
	got, err = appendDecoded(bytes.Clone(dst), []byte(text))
	if (err == nil) != (failed == nil) || err == nil && !bytes.Equal(got, want) {
		t.Fatalf("%q as bytes: %q, %v; the library: %q, %v", text, got, err, want, failed)
	}
}
