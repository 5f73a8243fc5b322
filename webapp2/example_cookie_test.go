package webapp2_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/webapp2"
)

func ExampleDecodeCookie() {
	const cookie = "eyJhIjoiYiJ9|1300000000|82cbbb6479af67ef2055a596ccd6096097b98359"
	signed := time.Unix(1300000000, 0)
	fmt.Println(webapp2.DecodeCookie([]byte("my-super-secret-key"), "session", cookie, time.Hour, signed.Add(time.Minute)))
	fmt.Println(webapp2.DecodeCookie([]byte("my-super-secret-key"), "session", cookie, time.Hour, signed.Add(2*time.Hour)))
	// Output:
	// map[a:b] <nil>
	// map[] webapp2: signed 2h0m0s ago, more than 1h0m0s
}

// The session of a user of the old site continues on the new one.
func ExampleImportCookies() {
	old, err := webapp2.ImportCookies([]byte("my-super-secret-key"), "session", 30*24*time.Hour)
	if err != nil {
		panic(err)
	}
	manager, err := sessions.New(sessions.Config{
		Keys:     []sessions.Key{sessions.RandomKey()},
		Sessions: []sessions.Spec{{Import: old}},
	})
	if err != nil {
		panic(err)
	}

	r := httptest.NewRequest("GET", "/", nil)
	r.AddCookie(&http.Cookie{Name: "session", Value: signedNow("session", `{"cart":["tea"]}`)})
	store := manager.Store(r)
	fmt.Println(store.Session().Get("cart"))

	w := httptest.NewRecorder()
	if err := store.Save(w); err != nil {
		panic(err)
	}
	for _, c := range w.Result().Cookies() {
		fmt.Println(c.Name, c.MaxAge < 0)
	}
	// Output:
	// [tea]
	// __Host-session false
	// session true
}

// webapp2_extras.auth keeps the user who is logged in under "_user", in a cookie of its
// own.
func ExampleImportCookies_user() {
	old, err := webapp2.ImportCookies([]byte("my-super-secret-key"), "auth", 21*24*time.Hour)
	if err != nil {
		panic(err)
	}
	r := httptest.NewRequest("GET", "/", nil)
	r.AddCookie(&http.Cookie{Name: "auth", Value: signedNow("auth", `{"_user":[5629499534213120,true,"token",1704164645,1704164645]}`)})
	fmt.Println(old.Read(r).User)
	// Output: 5629499534213120
}
