package oidc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
)

// A discovery knows what a provider says of itself (OpenID Connect Discovery 1.0). It asks at
// the first use, and again after a failure.
type discovery struct {
	issuer string
	needs  []string // the entries of the document that must be addresses
	client *http.Client

	asking   sync.Mutex // held while the provider is asked
	failed   error      // why the last question failed; nil if it did not
	failedAt time.Time

	known atomic.Pointer[oidc.Provider] // what it says; nil if not known yet
}

// pause is how long a provider that has failed is not asked again.
const pause = 5 * time.Second

func (d *discovery) provider(ctx context.Context) (*oidc.Provider, error) {
	if known := d.known.Load(); known != nil {
		return known, nil
	}
	d.asking.Lock()
	defer d.asking.Unlock()
	if known := d.known.Load(); known != nil {
		return known, nil // another request has asked meanwhile
	}
	if d.failed != nil && time.Since(d.failedAt) < pause {
		return nil, d.failed
	}
	// The library keeps the client of this context. Its end must not be that of a request.
	found, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), d.client), d.issuer)
	if err == nil {
		err = d.check(found)
	}
	if err != nil {
		d.failed, d.failedAt = fmt.Errorf("%w: %s: %.300s", ErrUnavailable, d.issuer, err), time.Now()
		return nil, d.failed
	}
	d.failed = nil
	d.known.Store(found)
	return found, nil
}

// check returns an error if the provider gives an address that is not of https.
func (d *discovery) check(found *oidc.Provider) error {
	var document map[string]any
	if err := found.Claims(&document); err != nil {
		return err
	}
	for _, name := range d.needs {
		if address, _ := document[name].(string); !isAddress(address) {
			return fmt.Errorf("its discovery document has the address %.80q as %s, which is not of https", address, name)
		}
	}
	return nil
}

// isAddress reports whether a text is an absolute address with https, or with http on this
// machine.
func isAddress(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	local := u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
	return u.Scheme == "https" || u.Scheme == "http" && local
}

// usualTimeout bounds each call of a provider, unless the configuration says otherwise.
const usualTimeout = 10 * time.Second

// newClient returns a client for calls of a provider. If timeout is 0, it is usualTimeout; if
// transport is nil, it is http.DefaultTransport.
func newClient(transport http.RoundTripper, timeout time.Duration) *http.Client {
	if timeout == 0 {
		timeout = usualTimeout
	}
	if transport == nil {
		transport = http.DefaultTransport
	}
	return &http.Client{
		Transport: bounded{transport},
		Timeout:   timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return errors.New("a redirect, which could send the secret of the site elsewhere")
		},
	}
}

// maxResponse is the longest response of a provider in bytes.
const maxResponse = 1 << 20

// bounded is a transport whose responses end after maxResponse bytes.
type bounded struct{ http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := b.RoundTripper.RoundTrip(r)
	if err == nil {
		response.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(response.Body, maxResponse), response.Body}
	}
	return response, err
}
