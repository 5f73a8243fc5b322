package cloud

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/webapp2go/webapp2go/sessions"
)

// SessionKeys returns the keys of [sessions.Config], newest first, from one of these
// variables, in the form that [sessions.ParseKeys] reads:
//
//	SESSION_KEYS_SECRET    the name of a secret, see [Secret]
//	SESSION_KEYS_FILE      the path of a file
//	SESSION_KEYS           the keys; whoever may view the program's settings can read them
//
// If none is set, SessionKeys returns one random key [Elsewhere], and logs with
// slog.Default that sessions end with the process; on App Engine and Cloud Run it
// returns an error. It returns an error too if several are set, if the keys cannot be
// read, or if they have another form. The error names the variable and never holds a key.
func (p Platform) SessionKeys(ctx context.Context) ([]sessions.Key, error) {
	var set []string
	for _, name := range []string{"SESSION_KEYS_SECRET", "SESSION_KEYS_FILE", "SESSION_KEYS"} {
		if os.Getenv(name) != "" {
			set = append(set, name)
		}
	}
	switch {
	case len(set) > 1:
		return nil, fmt.Errorf("cloud: the variables %s are both set: leave one of them, which holds the keys", strings.Join(set[:2], " and "))
	case len(set) == 0 && p != Elsewhere:
		return nil, fmt.Errorf("cloud: not started on %v without session keys: a random key would end all sessions at every start. Set the variable SESSION_KEYS_SECRET to the name of a secret in Secret Manager, or SESSION_KEYS_FILE or SESSION_KEYS", p)
	case len(set) == 0:
		slog.InfoContext(ctx, "sessions are signed with a random key and end with this process; set the variable SESSION_KEYS to keep them")
		return []sessions.Key{sessions.RandomKey()}, nil
	}
	value := os.Getenv(set[0])
	text, err := value, error(nil)
	switch set[0] {
	case "SESSION_KEYS_SECRET":
		var held []byte
		held, err = Secret(ctx, value)
		text = string(held)
	case "SESSION_KEYS_FILE":
		var held []byte
		held, err = os.ReadFile(value)
		text = string(held)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", set[0], err)
	}
	keys, err := sessions.ParseKeys(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", set[0], err)
	}
	return keys, nil
}
