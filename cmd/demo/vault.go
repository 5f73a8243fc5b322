package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// A vault reads from Secret Manager, as the service account that the program runs as.
// Two requests do it, so no client library is needed for the one secret that is read
// once, at start.
type vault struct {
	manager  string // Secret Manager's address; empty: Google's. One region's secrets have an address of their own
	metadata string // host of the metadata server, from GCE_METADATA_HOST; empty: Google's
}

// vaultTimeout bounds the reading of a secret, with all that is tried again.
const vaultTimeout = 15 * time.Second

// secret returns what a secret holds. A name that is no whole path is one in project.
func (v vault) secret(ctx context.Context, name, project string) ([]byte, error) {
	if !strings.Contains(name, "/") {
		if project == "" {
			return nil, fmt.Errorf("in which project? Set GOOGLE_CLOUD_PROJECT, or say projects/ID/secrets/%s/versions/latest", name)
		}
		name = "projects/" + project + "/secrets/" + name + "/versions/latest"
	}
	ctx, cancel := context.WithTimeout(ctx, vaultTimeout)
	defer cancel()

	var token struct {
		Value string `json:"access_token"`
	}
	host := cmp.Or(v.metadata, "metadata.google.internal")
	err := fetch(ctx, "http://"+host+"/computeMetadata/v1/instance/service-accounts/default/token", "Metadata-Flavor", "Google", &token)
	if err != nil {
		return nil, fmt.Errorf("no token of the service account: %w", err)
	}
	var answer struct {
		Payload struct {
			Data   []byte `json:"data"` // base64
			CRC32C string `json:"dataCrc32c"`
		} `json:"payload"`
	}
	manager := strings.TrimSuffix(cmp.Or(v.manager, "https://secretmanager.googleapis.com"), "/")
	if err := fetch(ctx, manager+"/v1/"+name+":access", "Authorization", "Bearer "+token.Value, &answer); err != nil {
		return nil, fmt.Errorf("%s cannot be read: %w", name, err)
	}
	sum := crc32.Checksum(answer.Payload.Data, crc32.MakeTable(crc32.Castagnoli))
	if answer.Payload.CRC32C != "" && answer.Payload.CRC32C != strconv.FormatUint(uint64(sum), 10) {
		return nil, fmt.Errorf("%s was damaged on its way: its checksum is another", name)
	}
	return answer.Payload.Data, nil
}

// fetch gets JSON, and tries again what may succeed in a moment. Its errors say what
// the server answered, which never holds the secret.
func fetch(ctx context.Context, url, name, value string, into any) error {
	for attempt := 1; ; attempt++ {
		again, err := get(ctx, url, name, value, into)
		if err == nil || !again || attempt == 3 {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(time.Duration(attempt) * 200 * time.Millisecond):
		}
	}
}

func get(ctx context.Context, url, name, value string, into any) (again bool, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false, err
	}
	r.Header.Set(name, value)
	answer, err := vaultClient.Do(r)
	if err != nil {
		return true, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20)) // a secret has 64 KiB at most
	if err != nil {
		return true, err
	}
	if answer.StatusCode != http.StatusOK {
		var failure struct {
			Error struct{ Message string }
		}
		_ = json.Unmarshal(body, &failure) // what is no such JSON has no message
		again := answer.StatusCode >= 500 || answer.StatusCode == http.StatusTooManyRequests
		return again, errors.New(strings.TrimSpace(answer.Status + " " + oneLine(failure.Error.Message)))
	}
	return false, json.Unmarshal(body, into)
}

// vaultClient asks directly and follows no redirect: the token is for one host.
var vaultClient = &http.Client{
	Transport:     new(http.Transport),
	Timeout:       5 * time.Second,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
