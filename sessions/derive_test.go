package sessions_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"testing"

	"github.com/webapp2go/webapp2go/sessions"
)

func TestDerive(t *testing.T) {
	older, newer := sessions.RandomKey(), sessions.RandomKey()
	manager := func(site string, keys ...sessions.Key) *sessions.Manager {
		m, err := sessions.New(sessions.Config{Keys: keys, Site: site})
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	before, after := manager("shop", older), manager("shop", newer, older)
	secret := before.Derive("badges")[0]
	if len(secret) != 32 || bytes.Contains(older.Hash, secret[:8]) {
		t.Errorf("a secret of %d bytes", len(secret))
	}
	if derived := after.Derive("badges"); len(derived) != 2 || !bytes.Equal(derived[1], secret) {
		t.Error("after a change of keys the older secret is not the second")
	}
	for name, other := range map[string][]byte{
		"another purpose": before.Derive("tokens")[0],
		"another site":    manager("forum", older).Derive("badges")[0],
		"another key":     after.Derive("badges")[0],
	} {
		if bytes.Equal(other, secret) {
			t.Errorf("%s: the same secret", name)
		}
	}
	if !bytes.Equal(before.Derive("badges")[0], secret) {
		t.Error("the second time it is another one")
	}
	if printed := fmt.Sprintf("%+v %#v", before, before); bytes.Contains([]byte(printed), fmt.Appendf(nil, "%d %d %d", older.Hash[0], older.Hash[1], older.Hash[2])) {
		t.Error("a print of the Manager shows its key")
	}
}

// A secret derived for the program signs a link.
func ExampleManager_Derive() {
	manager, err := sessions.New(sessions.Config{Keys: []sessions.Key{sessions.RandomKey()}})
	if err != nil {
		panic(err)
	}
	sign := func(link string) []byte {
		mac := hmac.New(sha256.New, manager.Derive("links")[0])
		mac.Write([]byte(link))
		return mac.Sum(nil)
	}
	signature := sign("/unsubscribe?who=7")
	fmt.Println(hmac.Equal(signature, sign("/unsubscribe?who=7")), hmac.Equal(signature, sign("/unsubscribe?who=8")))
	// Output:
	// true false
}
