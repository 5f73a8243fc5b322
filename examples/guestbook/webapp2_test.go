package main

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	gcds "cloud.google.com/go/datastore"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/internal/datastoretest"
)

const webapp2Secret = "my-super-secret-key"

func hmacSHA1(key, message string) string {
	mac := hmac.New(sha1.New, []byte(key))
	mac.Write([]byte(message))
	return hex.EncodeToString(mac.Sum(nil))
}

// oldCookieOf is a cookie as webapp2_extras.securecookie signed it, so long ago.
func oldCookieOf(name, data string, ago time.Duration) *http.Cookie {
	value := fmt.Sprintf("%s|%d", base64.StdEncoding.EncodeToString([]byte(data)), time.Now().Add(-ago).Unix())
	return &http.Cookie{Name: name, Value: value + "|" + hmacSHA1(webapp2Secret, name+"|"+value)}
}

// oldLogin is the cookie by which webapp2_extras.auth knew a user.
func oldLogin(userID int64, ago time.Duration) *http.Cookie {
	return oldCookieOf("auth", fmt.Sprintf(`{"_user":[%d,1,"token",1704164645,1704164645]}`, userID), ago)
}

const annID = 5629499534213120

// moved are stores that know a user of the webapp2 program: Ann, whose password is "tea".
var moved = map[string]func(*testing.T) stores{
	"memory": func(t *testing.T) stores {
		kept := inMemory()
		ann := &auth.User{ID: fmt.Sprint(annID), Name: "ann", Password: hmacSHA1("salt", "tea") + "$sha1$salt"}
		if err := kept.users.Create(t.Context(), ann); err != nil {
			t.Fatal(err)
		}
		return kept
	},
	"datastore": func(t *testing.T) stores {
		client := newClient(t, datastoretest.Start(t))
		ann := gcds.PropertyList{
			{Name: "auth_ids", Value: []any{"ann"}},
			{Name: "password", Value: hmacSHA1("salt", "tea") + "$sha1$salt"},
			{Name: "created", Value: time.Now()},
		}
		if _, err := client.Put(t.Context(), gcds.IDKey("User", annID, nil), &ann); err != nil {
			t.Fatal(err)
		}
		return inDatastore(client)
	},
}

func serveMoved(t *testing.T, kept stores) *httptest.Server {
	t.Helper()
	return serve(t, kept, config{oldSecret: []byte(webapp2Secret)})
}

func (b *browser) cookies() string {
	site, err := url.Parse(b.site)
	if err != nil {
		b.t.Fatal(err)
	}
	var names []string
	for _, c := range b.client.Jar.Cookies(site) {
		names = append(names, c.Name)
	}
	return strings.Join(names, " ")
}

func (b *browser) bring(c *http.Cookie) {
	site, err := url.Parse(b.site)
	if err != nil {
		b.t.Fatal(err)
	}
	c.Path = "/"
	b.client.Jar.SetCookies(site, []*http.Cookie{c})
}

func TestLoginOfWebapp2GoesOn(t *testing.T) {
	for name, newStores := range moved {
		t.Run(name, func(t *testing.T) {
			ann := newBrowser(t, serveMoved(t, newStores(t)))
			ann.bring(oldLogin(annID, time.Hour))
			ann.get("/", 200, `You sign as <b>ann</b>.`)
			if got := ann.cookies(); got != "guestbook" {
				t.Errorf("the browser has the cookies %q, not ours alone", got)
			}
			ann.get("/account", 200)

			// Where the old program still runs it may set its cookie anew: a logout here
			// takes both away.
			ann.bring(oldLogin(annID, time.Minute))
			ann.post("/logout", nil, 200)
			if got := ann.cookies(); got != "" && got != "ended" { // that is gone in a second
				t.Errorf("after the logout the browser has the cookies %q", got)
			}
			ann.get("/book/default", 200, "You sign as somebody.")
		})
	}
}

func TestLoginOfWebapp2IsRefused(t *testing.T) {
	site := serveMoved(t, moved["memory"](t))
	forged := oldLogin(annID, time.Hour)
	forged.Value = forged.Value[:len(forged.Value)-1] + "x"
	for name, cookie := range map[string]*http.Cookie{
		"forged":                forged,
		"too old":               oldLogin(annID, oldAge+time.Minute),
		"of a user who is gone": oldLogin(1, time.Hour),
		"no cookie of webapp2":  {Name: "auth", Value: "x"},
	} {
		t.Run(name, func(t *testing.T) {
			visitor := newBrowser(t, site)
			visitor.bring(cookie)
			visitor.get("/", 200, "You sign as somebody.")
		})
	}
}

func TestPasswordOfWebapp2IsReplaced(t *testing.T) {
	for name, newStores := range moved {
		t.Run(name, func(t *testing.T) {
			kept := newStores(t)
			ann := newBrowser(t, serveMoved(t, kept))
			ann.post("/login", form("name", "Ann", "password", "coffee"), 401)
			ann.post("/login", form("name", "Ann", "password", "tea"), 200, "You sign as <b>ann</b>.")
			user, err := kept.users.ByLogin(t.Context(), "ann")
			if err != nil || !strings.HasPrefix(user.Password, "$argon2id$") {
				t.Errorf("the hash is %q, %v", user.Password, err)
			}
			ann.post("/logout", nil, 200)
			ann.post("/login", form("name", "ann", "password", "tea"), 200, "You sign as <b>ann</b>.")
		})
	}
}
