package webapp2cookie_test

import (
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/sessions/webapp2cookie"
)

func TestUserID(t *testing.T) {
	tests := map[string]struct {
		json, id string
		ok       bool
	}{
		"number":     {`{"_user":[5629499534213120,true,"tok",1704164645,1704164645]}`, "5629499534213120", true},
		"string":     {`{"_user":["joe",1,"tok",1704164645,1704164645,"Joe"]}`, "joe", true},
		"logged out": {`{}`, "", false},
		"empty list": {`{"_user":[]}`, "", false},
		"empty id":   {`{"_user":[""]}`, "", false},
		"no list":    {`{"_user":"joe"}`, "", false},
		"null":       {`{"_user":null}`, "", false},
		"null id":    {`{"_user":[null]}`, "", false},
		"fraction":   {`{"_user":[1.5]}`, "", false},
		"list":       {`{"_user":[["joe"]]}`, "", false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			dictionary, err := webapp2cookie.Decode([]byte(secret), "auth", sign(secret, "auth", test.json, "1704164645"), 0, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			if id, ok := webapp2cookie.UserID(dictionary); id != test.id || ok != test.ok {
				t.Errorf("UserID = %q, %v, want %q, %v", id, ok, test.id, test.ok)
			}
		})
	}
	if id, ok := webapp2cookie.UserID(nil); ok {
		t.Errorf("UserID(nil) = %q", id)
	}
}
