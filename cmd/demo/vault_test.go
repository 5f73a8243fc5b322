package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"hash/crc32"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

const token = "ya29.token-of-the-service-account"

// A google is a metadata server and a Secret Manager with one secret, which answer as
// Google's pages say that theirs do.
type google struct {
	*httptest.Server
	held     string // in the secret
	checksum string // empty: the right one
	fails    atomic.Int32
	status   int // of those that fail
}

func startGoogle(t *testing.T, held string) *google {
	g := &google{held: held}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /computeMetadata/v1/instance/service-accounts/default/token", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Metadata-Flavor") != "Google" {
			http.Error(w, "Missing Metadata-Flavor:Google header.", http.StatusForbidden)
			return
		}
		fmt.Fprintf(w, `{"access_token":%q,"expires_in":3599,"token_type":"Bearer"}`, token)
	})
	mux.HandleFunc("GET /v1/projects/shop/secrets/session-keys/versions/{version}", func(w http.ResponseWriter, r *http.Request) {
		switch {
		case g.fails.Add(-1) >= 0:
			w.WriteHeader(g.status)
			fmt.Fprintf(w, `{"error":{"code":%d,"message":"not\nnow"}}`, g.status)
		case r.Header.Get("Authorization") != "Bearer "+token:
			http.Error(w, `{"error":{"code":401,"message":"no token"}}`, http.StatusUnauthorized)
		case r.PathValue("version") != "latest:access":
			http.Error(w, `{"error":{"code":404,"message":"no such version"}}`, http.StatusNotFound)
		default:
			checksum := g.checksum
			if checksum == "" {
				checksum = fmt.Sprint(crc32.Checksum([]byte(g.held), crc32.MakeTable(crc32.Castagnoli)))
			}
			fmt.Fprintf(w, `{"name":"projects/1/secrets/session-keys/versions/3","payload":{"data":%q,"dataCrc32c":%q}}`,
				base64.StdEncoding.EncodeToString([]byte(g.held)), checksum)
		}
	})
	g.Server = httptest.NewServer(mux)
	t.Cleanup(g.Close)
	return g
}

func (g *google) vault() vault {
	return vault{manager: g.URL, metadata: strings.TrimPrefix(g.URL, "http://")}
}

func TestKeysOfSecretManager(t *testing.T) {
	tests := []struct {
		name, secret, project string
		held                  string
		change                func(*google)
		keys                  int
		want                  string
	}{
		{"a name", "session-keys", "shop", goodKey + "\n" + goodKey + "\n", nil, 2, ""},
		{"a path", "projects/shop/secrets/session-keys/versions/latest", "", goodKey, nil, 1, ""},
		{"busy for a moment", "session-keys", "shop", goodKey, func(g *google) { g.status = 503; g.fails.Store(2) }, 1, ""},
		{"no project", "session-keys", "", goodKey, nil, 0, "GOOGLE_CLOUD_PROJECT"},
		{"another version", "projects/shop/secrets/session-keys/versions/9", "", goodKey, nil, 0, "404 Not Found no such version"},
		{"not allowed", "session-keys", "shop", goodKey, func(g *google) { g.status = 403; g.fails.Store(1) }, 0, "session-keys/versions/latest cannot be read: 403 Forbidden not now"},
		{"down", "session-keys", "shop", goodKey, func(g *google) { g.status = 503; g.fails.Store(99) }, 0, "503 Service Unavailable"},
		{"damaged", "session-keys", "shop", goodKey, func(g *google) { g.checksum = "1" }, 0, "checksum"},
		{"no key in it", "session-keys", "shop", "hello!", nil, 0, "SESSION_KEYS_SECRET: session-keys: key 1 is not base64"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			g := startGoogle(t, test.held)
			if test.change != nil {
				test.change(g)
			}
			c := &config{keySecret: test.secret, project: test.project, vault: g.vault()}
			keys, err := c.sessionKeys(t.Context())
			switch {
			case test.want == "" && (err != nil || len(keys) != test.keys):
				t.Errorf("%d keys, %v", len(keys), err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("got %v, want %q", err, test.want)
			case err != nil && (!strings.HasPrefix(err.Error(), "SESSION_KEYS_SECRET: ") || strings.ContainsAny(err.Error(), "\n") ||
				strings.Contains(err.Error(), token) || strings.Contains(err.Error(), test.held)):
				t.Errorf("not one line that says what to set and no secret: %q", err)
			}
		})
	}
}

// Where no metadata server is, there is an error, and no wait for ever.
func TestNoMetadataServer(t *testing.T) {
	g := startGoogle(t, goodKey)
	g.Close()
	_, err := g.vault().secret(t.Context(), "session-keys", "shop")
	if err == nil || !strings.HasPrefix(err.Error(), "no token of the service account: ") {
		t.Error(err)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := g.vault().secret(over, "session-keys", "shop"); err == nil {
		t.Error("no error")
	}
}
