package webapp2cookie_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/sessions/webapp2cookie"
)

const secret = "my-super-secret-key"

// sign makes the value of a cookie as webapp2 does. Only tests write such cookies.
func sign(secret, name, data string, seconds string) string {
	data = base64.StdEncoding.EncodeToString([]byte(data))
	mac := hmac.New(sha1.New, []byte(secret))
	fmt.Fprintf(mac, "%s|%s|%s", name, data, seconds)
	return data + "|" + seconds + "|" + hex.EncodeToString(mac.Sum(nil))
}

type cookieVector struct {
	ID, Op, Secret, Name, Cookie, JSON string
	Timestamp, Now                     int64
	MaxAge                             *int64 `json:"max_age"`
	Flags                              []string
	Expect                             struct {
		OK         bool
		Value      any
		Serialized string
	}
}

// differs says where Decode deliberately answers otherwise than webapp2 did, and
// why. Each of these is refused with an error.
var differs = map[string]string{
	"serialize-33": "not a dictionary: no session, where webapp2 answered 500",
	"serialize-34": "not a dictionary: no session, where webapp2 answered 500",
	"serialize-35": "not a dictionary: no session, where webapp2 answered 500",
	"accept-21":    "not a dictionary: no session, where webapp2 answered 500",
	"accept-22":    "not a dictionary: no session, where webapp2 answered 500",
	"accept-23":    "not a dictionary: no session, where webapp2 answered 500",
	"accept-24":    "not a dictionary: no session, where webapp2 answered 500",
}

// TestVectors holds Decode to what webapp2 3.0.0 answered. The cookies it wrote
// must be read; those it refused or raised an exception for must be errors.
func TestVectors(t *testing.T) {
	text, err := os.ReadFile("testdata/securecookie.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		CaseCount int `json:"case_count"`
		Cases     []cookieVector
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Cases) != file.CaseCount {
		t.Fatalf("%d cases, the file says %d", len(file.Cases), file.CaseCount)
	}
	passed, different := 0, 0
	for _, v := range file.Cases {
		t.Run(v.ID, func(t *testing.T) {
			value, now, want := v.Cookie, v.Now, v.Expect.Value
			if v.Op == "serialize" {
				value, now = v.Expect.Serialized, v.Timestamp
				v.Expect.OK = true
				if err := json.Unmarshal([]byte(v.JSON), &want); err != nil {
					t.Fatal(err)
				}
			}
			got, err := webapp2cookie.Decode([]byte(v.Secret), v.Name, value, duration(v.MaxAge), time.Unix(now, 0))
			if reason, ok := differs[v.ID]; ok {
				different++
				if got != nil || err == nil || !v.Expect.OK {
					t.Errorf("%v, %v: not the difference that is listed: %s", got, err, reason)
				}
				return
			}
			if !v.Expect.OK {
				if got != nil || err == nil {
					t.Fatalf("Decode = %v, want an error", got)
				}
				passed++
				return
			}
			if err != nil {
				t.Fatalf("Decode: %v", err)
			}
			if !reflect.DeepEqual(plain(t, got), want) {
				t.Fatalf("Decode = %#v, want %#v", got, want)
			}
			passed++
		})
	}
	t.Logf("securecookie.json: %d passed, %d deliberate differences", passed, different)
	if passed+different != len(file.Cases) || different != len(differs) {
		t.Errorf("%d passed and %d of %d differences seen, of %d cases", passed, different, len(differs), len(file.Cases))
	}
}

// duration turns webapp2's max_age into Decode's. 0 means no limit here, so the
// shortest age there is stands for it.
func duration(seconds *int64) time.Duration {
	switch {
	case seconds == nil:
		return 0
	case *seconds == 0:
		return 1
	}
	return time.Duration(*seconds) * time.Second
}

// plain turns a dictionary into what encoding/json makes of it, with all numbers
// float64. TestNumbers looks at their types.
func plain(t *testing.T, dictionary map[string]any) any {
	text, err := json.Marshal(dictionary)
	if err != nil {
		t.Fatal(err)
	}
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestNumbers(t *testing.T) {
	tests := map[string]any{
		"0":                    int64(0),
		"-1":                   int64(-1),
		"9007199254740993":     int64(9007199254740993),
		"9223372036854775807":  int64(math.MaxInt64),
		"-9223372036854775808": int64(math.MinInt64),
		"9223372036854775808":  uint64(1 << 63),
		"18446744073709551616": float64(1 << 64),
		"1.0":                  1.0,
		"1.5":                  1.5,
		"1e+22":                1e22,
		"1E2":                  100.0,
		"[1,[2.0]]":            []any{int64(1), []any{2.0}},
		`{"k":{"n":7}}`:        map[string]any{"k": map[string]any{"n": int64(7)}},
		"null":                 nil,
		"true":                 true,
		`"1"`:                  "1",
	}
	for text, want := range tests {
		t.Run(text, func(t *testing.T) {
			got, err := webapp2cookie.Decode([]byte(secret), "session", sign(secret, "session", `{"v":`+text+`}`, "1"), 0, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got["v"], want) {
				t.Errorf("%T %v, want %T %v", got["v"], got["v"], want, want)
			}
		})
	}
}

func TestSignedRubbish(t *testing.T) {
	tests := map[string]struct{ data, says string }{
		"oversized":       {`{"a":"` + strings.Repeat("x", 8000) + `"}`, "bytes"},
		"deep":            {`{"a":` + strings.Repeat("[", 400) + strings.Repeat("]", 400) + `}`, "nested"},
		"something after": {`{} {}`, "follows"},
		"NaN":             {`{"a":NaN}`, "JSON"},
		"a huge exponent": {`{"a":1e999}`, "range"},
		"nothing":         {``, "JSON"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := webapp2cookie.Decode([]byte(secret), "session", sign(secret, "session", test.data, "1"), 0, time.Now())
			if got != nil || err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("Decode = %v, %v, want an error that says %q", got, err, test.says)
			}
		})
	}
}

// FuzzDecode shows that no value panics, and that none is taken without the secret.
func FuzzDecode(f *testing.F) {
	f.Add("eyJhIjoiYiJ9|1300000000|82cbbb6479af67ef2055a596ccd6096097b98359", `{"a":[1,{"b":null}]}`)
	f.Add("||", "[]")
	f.Fuzz(func(t *testing.T, value, data string) {
		if got, err := webapp2cookie.Decode([]byte("another secret"), "session", value, 0, time.Now()); err == nil {
			t.Errorf("took %q without its secret: %v", value, got)
		}
		webapp2cookie.Decode([]byte(secret), "session", sign(secret, "session", data, "1"), time.Hour, time.Now())
	})
}
