package webapp2

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/webapp2go/webapp2go/sessions"
)

// minSecret is the length of the shortest secret that is accepted, in bytes.
const minSecret = 8

// ImportCookies returns the Import of a session's Spec that takes over the cookies called
// name, which a webapp2 application signed with secret, its secret_key. By default webapp2
// calls its cookie "session", and webapp2_extras.auth calls its own "auth". If the old
// application's cookie_args had a domain or a path, set Domain and Path of the Import to the
// same, such as ".example.com". Otherwise the old cookie stays, and a logout is not final.
//
// Cookies older than maxAge are refused. webapp2 had no limit by default; here maxAge is
// required, and 0 is an error. A secret of fewer than 8 bytes, and a name that a cookie
// cannot have, are errors too.
//
// The user whom webapp2_extras.auth had logged in becomes the session's user, and the rest
// of the dictionary its values. A site whose users have other ids maps them in a Read of
// its own; see the example.
//
// A cookie that is refused, for its age, its signature or its form, counts as no cookie: a
// new session begins. So does a cookie of webapp2's memcache and datastore backends, which
// holds only an id.
func ImportCookies(secret []byte, name string, maxAge time.Duration) (*sessions.Import, error) {
	switch {
	case len(secret) == 0:
		return nil, errors.New("webapp2: an empty secret would accept forged cookies: give the secret_key of the old application")
	case len(secret) < minSecret || bytes.Count(secret, secret[:1]) == len(secret):
		return nil, fmt.Errorf("webapp2: a secret of %d bytes, or of one byte repeated, can be guessed, so that anybody can sign a cookie: do not import its cookies, and let the users log in again", len(secret))
	case maxAge <= 0:
		return nil, fmt.Errorf("webapp2: maxAge is %v: give the age of the oldest cookie to take over", maxAge)
	}
	if err := (&http.Cookie{Name: name}).Valid(); err != nil {
		return nil, fmt.Errorf(`webapp2: a cookie cannot be called %q: give the cookie_name of the old application, "session" unless it was configured`, name)
	}
	secret = bytes.Clone(secret)
	read := func(r *http.Request) sessions.Imported {
		for _, cookie := range r.CookiesNamed(name) {
			dictionary, err := DecodeCookie(secret, name, cookie.Value, maxAge, time.Now())
			if err != nil || onlyID(dictionary) {
				continue
			}
			user, _ := userID(dictionary)
			delete(dictionary, "_user")
			return sessions.Imported{Values: dictionary, User: user}
		}
		return sessions.Imported{}
	}
	return &sessions.Import{Cookie: name, Read: read}, nil
}

// onlyID reports whether the dictionary is of a session in memcache or Datastore.
func onlyID(dictionary map[string]any) bool {
	_, ok := dictionary["_sid"]
	return ok && len(dictionary) == 1
}

// userID returns the id of the user who is logged in, from the dictionary of the cookie of
// webapp2_extras.auth. Ids are strings, or whole numbers, which are returned in decimal.
func userID(dictionary map[string]any) (id string, ok bool) {
	list, _ := dictionary["_user"].([]any)
	if len(list) == 0 {
		return "", false
	}
	switch id := list[0].(type) {
	case string:
		return id, id != ""
	case int64:
		return strconv.FormatInt(id, 10), true
	}
	return "", false
}

// maxCookieValue is the length of the longest value that is accepted: twice what a browser
// must keep (RFC 6265 section 6.1). webapp2 had no limit.
const maxCookieValue = 8192

// DecodeCookie returns the dictionary in the value of a cookie that
// webapp2_extras.securecookie signed with secret for the cookie called name.
//
// A cookie that is older than maxAge at the time now is refused. If maxAge is 0, there is
// no limit. A date in the future is accepted, as in webapp2.
//
// Values have the types that a session returns: int64 for a whole number, or uint64 if it
// does not fit, float64 for a number with a point or an exponent, string, bool, nil, []any
// and map[string]any.
//
// The error says why the cookie was refused, and holds nothing of the cookie.
func DecodeCookie(secret []byte, name, value string, maxAge time.Duration, now time.Time) (map[string]any, error) {
	if len(value) > maxCookieValue {
		return nil, fmt.Errorf("webapp2: the value has %d bytes, more than %d", len(value), maxCookieValue)
	}
	parts := strings.Split(value, "|")
	if len(parts) != 3 {
		return nil, errors.New("webapp2: not in the form data|time|signature")
	}
	data, seconds, signature := parts[0], parts[1], parts[2]
	mac := hmac.New(sha1.New, secret)
	io.WriteString(mac, name+"|"+data+"|"+seconds)
	if !hmac.Equal([]byte(hex.EncodeToString(mac.Sum(nil))), []byte(signature)) {
		return nil, errors.New("webapp2: wrong signature")
	}
	if maxAge != 0 {
		signed, err := parseSeconds(seconds)
		if err != nil {
			return nil, err
		}
		// webapp2's clock had whole seconds.
		if age := time.Unix(now.Unix(), 0).Sub(time.Unix(signed, 0)); age > maxAge {
			return nil, fmt.Errorf("webapp2: signed %v ago, more than %v", age, maxAge)
		}
	}
	text, err := base64.StdEncoding.DecodeString(strings.Map(inAlphabet, data))
	if err != nil {
		return nil, errors.New("webapp2: the data is not base64")
	}
	return parseDictionary(text)
}

// parseSeconds reads a time as Python's int() does: spaces around it, a sign and
// underscores are fine.
func parseSeconds(text string) (int64, error) {
	n, err := strconv.ParseInt(strings.ReplaceAll(strings.TrimSpace(text), "_", ""), 10, 64)
	if err != nil {
		return 0, errors.New("webapp2: the time is not a number")
	}
	return n, nil
}

// inAlphabet drops characters that are not in base64, as Python's decoder does.
func inAlphabet(r rune) rune {
	switch {
	case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '+', r == '/', r == '=':
		return r
	}
	return -1
}

// maxCookieDepth bounds the nesting of lists and dictionaries.
const maxCookieDepth = 16

// parseDictionary reads a JSON object, with values of the types a session holds.
func parseDictionary(text []byte) (map[string]any, error) {
	if !utf8.Valid(text) {
		return nil, errors.New("webapp2: the data is not UTF-8")
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var v any
	if err := decoder.Decode(&v); err != nil {
		return nil, errors.New("webapp2: the data is not JSON")
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, errors.New("webapp2: something follows the JSON data")
	}
	dictionary, ok := v.(map[string]any)
	if !ok {
		return nil, errors.New("webapp2: the data is not a dictionary")
	}
	if err := convertIn(dictionary, 1); err != nil {
		return nil, err
	}
	return dictionary, nil
}

// convertIn converts the numbers inside a container, in place.
func convertIn(container any, depth int) error {
	if depth > maxCookieDepth {
		return fmt.Errorf("webapp2: values nested deeper than %d", maxCookieDepth)
	}
	convert := func(v any) (any, error) {
		if n, ok := v.(json.Number); ok {
			return number(string(n))
		}
		return v, convertIn(v, depth+1)
	}
	var err error
	switch c := container.(type) {
	case map[string]any:
		for key, v := range c {
			if c[key], err = convert(v); err != nil {
				return err
			}
		}
	case []any:
		for i, v := range c {
			if c[i], err = convert(v); err != nil {
				return err
			}
		}
	}
	return nil
}

// number gives a JSON number the type of Python's: 1 is an int, 1.0 a float. An int
// that no type of Go holds becomes a float64.
func number(text string) (any, error) {
	if !strings.ContainsAny(text, ".eE") {
		if i, err := strconv.ParseInt(text, 10, 64); err == nil {
			return i, nil
		}
		if u, err := strconv.ParseUint(text, 10, 64); err == nil {
			return u, nil
		}
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return nil, errors.New("webapp2: a number out of range")
	}
	return f, nil
}
