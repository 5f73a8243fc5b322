package cloud

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Secret returns what a secret in Secret Manager holds. The name is that of a secret in
// the [Project], whose latest version is read, or the path of a version:
// projects/ID/secrets/NAME/versions/latest. Another name is an error, which does not hold it,
// because it may be the secret itself. The service account of the program needs the role
// roles/secretmanager.secretAccessor.
//
// Two HTTP requests read it: one to the metadata server for a token of the service
// account and one to Secret Manager. If a server does not respond, or responds with a
// status that may change in a moment, such as 503, Secret tries again for up to 15
// seconds, and logs that with slog.Default. It returns an error that names the secret
// after that, and at once for other failures, such as status 403 or 404. Errors never
// hold the secret or the token.
//
// Read a secret at startup and keep it: each call is a request that Google counts.
func Secret(ctx context.Context, name string) ([]byte, error) {
	if !secretName.MatchString(name) {
		return nil, errors.New("cloud: the name of a secret has only letters, digits, hyphens and underscores, and the path of a version is such as projects/ID/secrets/NAME/versions/latest")
	}
	if !strings.Contains(name, "/") {
		project, err := Project(ctx)
		if err != nil {
			return nil, fmt.Errorf("secret %s: %w", name, err)
		}
		name = "projects/" + project + "/secrets/" + name + "/versions/latest"
	}
	found, err := metadata(ctx, "instance/service-accounts/default/token")
	if err != nil {
		return nil, fmt.Errorf("cloud: %s cannot be read: no token of the service account: %w", name, err)
	}
	var token struct {
		Value string `json:"access_token"`
	}
	if err := json.Unmarshal(found, &token); err != nil {
		return nil, fmt.Errorf("cloud: %s cannot be read: the metadata server's token is not JSON", name)
	}
	manager := strings.TrimSuffix(cmp.Or(os.Getenv("SECRET_MANAGER"), "https://secretmanager.googleapis.com"), "/")
	found, err = fetch(ctx, "Secret Manager", manager+"/v1/"+name+":access", "Authorization", "Bearer "+token.Value)
	if err != nil {
		return nil, fmt.Errorf("cloud: %s cannot be read: %w", name, err)
	}
	var version struct {
		Payload struct {
			Data   []byte `json:"data"` // base64
			CRC32C string `json:"dataCrc32c"`
		} `json:"payload"`
	}
	if err := json.Unmarshal(found, &version); err != nil {
		return nil, fmt.Errorf("cloud: %s cannot be read: the response of Secret Manager is not JSON", name)
	}
	sum := crc32.Checksum(version.Payload.Data, crc32.MakeTable(crc32.Castagnoli))
	if version.Payload.CRC32C != "" && version.Payload.CRC32C != strconv.FormatUint(uint64(sum), 10) {
		return nil, fmt.Errorf("cloud: %s was damaged on the way: its checksum differs; start again", name)
	}
	return version.Payload.Data, nil
}

// secretName is what Secret accepts. Secrets of one region have a location in their path.
var secretName = regexp.MustCompile(`^(projects/[^/?#%\s]+/(locations/[a-z0-9-]+/)?secrets/[\w-]+/versions/[\w-]+|[\w-]+)$`)

// metadata returns a value of the metadata server, such as "project/project-id".
func metadata(ctx context.Context, path string) ([]byte, error) {
	host := cmp.Or(os.Getenv("GCE_METADATA_HOST"), "metadata.google.internal")
	return fetch(ctx, "the metadata server", "http://"+host+"/computeMetadata/v1/"+path, "Metadata-Flavor", "Google")
}

const (
	patience     = 15 * time.Second // how long fetch tries
	firstPause   = 100 * time.Millisecond
	longestPause = 2 * time.Second
	maxResponse  = 1 << 20 // a secret has at most 64 KiB, and base64 adds a third
)

// fetch returns the body of a response with status 200 to GET. It tries again, for up to
// patience, after failures that may be over in a moment: an instance can start before its
// metadata server takes connections.
func fetch(ctx context.Context, server, url, header, value string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		body, again, err := get(ctx, url, header, value)
		if err == nil || !again {
			return body, err
		}
		if pause == firstPause {
			slog.WarnContext(ctx, server+" did not respond; trying again for up to "+patience.String(), "error", err)
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(pause/2 + rand.N(pause)):
		}
	}
}

// get sends one request. Again reports whether another one may succeed in a moment. The
// error holds what the server responded, which is never the secret.
func get(ctx context.Context, url, header, value string) (body []byte, again bool, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, false, err
	}
	r.Header.Set(header, value)
	response, err := client.Do(r)
	if err != nil {
		return nil, true, err
	}
	defer response.Body.Close()
	body, err = io.ReadAll(io.LimitReader(response.Body, maxResponse))
	if err != nil {
		return nil, true, err
	}
	if response.StatusCode != http.StatusOK {
		var failure struct {
			Error struct{ Message string }
		}
		_ = json.Unmarshal(body, &failure) // a body of another form has no message
		message := strings.Join(strings.Fields(response.Status+" "+failure.Error.Message), " ")
		again := response.StatusCode >= 500 || response.StatusCode == http.StatusTooManyRequests
		return nil, again, errors.New(message)
	}
	return body, false, nil
}

// client connects directly and follows no redirect, so that the token goes to one host.
var client = &http.Client{
	Transport:     new(http.Transport),
	Timeout:       5 * time.Second,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}
