package webapp2cookie_test

import (
	"net/http/httptest"
	"testing"
	"time"
)

func TestImportReadsTheUser(t *testing.T) {
	tests := map[string]struct {
		json, id string
	}{
		"number":     {`{"_user":[5629499534213120,true,"tok",1704164645,1704164645]}`, "5629499534213120"},
		"string":     {`{"_user":["joe",1,"tok",1704164645,1704164645,"Joe"]}`, "joe"},
		"logged out": {`{}`, ""},
		"empty list": {`{"_user":[]}`, ""},
		"empty id":   {`{"_user":[""]}`, ""},
		"no list":    {`{"_user":"joe"}`, ""},
		"null":       {`{"_user":null}`, ""},
		"null id":    {`{"_user":[null]}`, ""},
		"fraction":   {`{"_user":[1.5]}`, ""},
		"list":       {`{"_user":[["joe"]]}`, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "/", nil)
			r.Header.Set("Cookie", "auth="+signedNow("auth", test.json))
			got := mustImport(t, "auth", time.Hour).Read(r)
			if got.User != test.id {
				t.Errorf("user %q, want %q", got.User, test.id)
			}
			if _, left := got.Values["_user"]; left {
				t.Error("the user is left among the values")
			}
		})
	}
}
