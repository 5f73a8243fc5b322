package auth_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/webapp2"
)

// A value that is printed to a log or a response shows no hash and no pepper.
func TestSecretsDoNotShow(t *testing.T) {
	const hash = "$argon2id$v=19$m=64,t=1,p=1$c2VjcmV0$c2VjcmV0"
	user := auth.User{ID: "7", Name: "joe", Password: hash, Roles: []string{"admin"}}
	hashes := webapp2.PasswordHashes{Pepper: hash}
	type member struct {
		User   auth.User
		Friend *auth.User
		Pepper auth.Secret
	}
	for what, value := range map[string]any{
		"user": user, "pointer": &user, "list": []auth.User{user}, "pointers": []*auth.User{&user}, "map": map[string]auth.User{"joe": user},
		"struct": member{user, &user, hash}, "pointer to a struct": &member{user, &user, hash}, "pepper": hashes.Pepper, "pointer to a pepper": &hashes.Pepper, "hashes": hashes,
	} {
		shown := map[string]string{}
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%d", "%T", "%10.80s", "%t"} {
			shown[verb] = fmt.Sprintf(verb, value)
		}
		shown["Print"] = fmt.Sprint(value)
		shown["error"] = fmt.Errorf("no such user: %v", value).Error()
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("login", "value", value)
		slog.New(slog.NewJSONHandler(&log, nil)).Info("login", "value", value)
		shown["slog"] = log.String()
		if text, err := json.Marshal(value); err == nil {
			shown["JSON"] = string(text)
		}
		if text, err := xml.Marshal(value); err == nil {
			shown["XML"] = string(text)
		}
		for way, text := range shown {
			for _, secret := range []string{"argon2id", "c2VjcmV0", fmt.Sprintf("%x", "argon2id"), fmt.Sprintf("%X", "argon2id"), fmt.Sprintf("% x", "argon2id")} {
				if strings.Contains(text, secret) {
					t.Errorf("%s by %s: %s", what, way, text)
				}
			}
		}
	}
	if text := fmt.Sprintf("%v %+v", user, &user); !strings.Contains(text, "joe") || !strings.Contains(text, "Name:joe") || !strings.Contains(text, "(secret)") {
		t.Errorf("a user is printed as %s", text)
	}
	if text, err := json.Marshal(user); err != nil || !strings.Contains(string(text), `"Name":"joe"`) {
		t.Errorf("a user is encoded as %s, %v", text, err)
	}
	if text := fmt.Sprintf("%v", (*auth.User)(nil)); text != "<nil>" {
		t.Errorf("nobody is printed as %s", text)
	}
	if text := fmt.Sprintf("[%v]", auth.Secret("")); text != "[]" {
		t.Errorf("no secret is printed as %s", text)
	}
}
