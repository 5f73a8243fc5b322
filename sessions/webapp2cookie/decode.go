package webapp2cookie

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// maxValue is the longest value that is looked at, twice what a browser must keep
// (RFC 6265 section 6.1): webapp2 itself had no limit.
const maxValue = 8192

// Decode returns the dictionary in the value of a cookie that
// webapp2_extras.securecookie signed with secret for the cookie called name.
//
// A cookie that is older than maxAge at the time now is refused; 0 is no limit.
// Like webapp2, it takes one from the future.
//
// Values are of the types that a session of ours holds: int64 (uint64 above it)
// for a whole number, float64 for one with a point or an exponent, string, bool,
// nil, []any and map[string]any.
//
// The error says why a cookie was refused; it holds nothing of the cookie.
func Decode(secret []byte, name, value string, maxAge time.Duration, now time.Time) (map[string]any, error) {
	if len(value) > maxValue {
		return nil, fmt.Errorf("webapp2cookie: a value of %d bytes, more than %d", len(value), maxValue)
	}
	parts := strings.Split(value, "|")
	if len(parts) != 3 {
		return nil, errors.New("webapp2cookie: not in the form data|time|signature")
	}
	data, seconds, signature := parts[0], parts[1], parts[2]
	mac := hmac.New(sha1.New, secret)
	io.WriteString(mac, name+"|"+data+"|"+seconds)
	if !hmac.Equal([]byte(hex.EncodeToString(mac.Sum(nil))), []byte(signature)) {
		return nil, errors.New("webapp2cookie: wrong signature")
	}
	if maxAge != 0 {
		signed, err := parseSeconds(seconds)
		if err != nil {
			return nil, err
		}
		// webapp2's clock had whole seconds.
		if age := time.Unix(now.Unix(), 0).Sub(time.Unix(signed, 0)); age > maxAge {
			return nil, fmt.Errorf("webapp2cookie: signed %v ago, more than %v", age, maxAge)
		}
	}
	text, err := base64.StdEncoding.DecodeString(strings.Map(inAlphabet, data))
	if err != nil {
		return nil, errors.New("webapp2cookie: the data is not base64")
	}
	return parseDictionary(text)
}

// parseSeconds reads a time as Python's int() does: spaces around it, a sign and
// underscores are fine.
func parseSeconds(text string) (int64, error) {
	n, err := strconv.ParseInt(strings.ReplaceAll(strings.TrimSpace(text), "_", ""), 10, 64)
	if err != nil {
		return 0, errors.New("webapp2cookie: the time is no number")
	}
	return n, nil
}

// inAlphabet drops what is not of base64, as Python's decoder does.
func inAlphabet(r rune) rune {
	switch {
	case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '+', r == '/', r == '=':
		return r
	}
	return -1
}
