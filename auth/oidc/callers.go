package oidc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
)

// CallersConfig describes the programs that may call a site.
type CallersConfig struct {
	// Audience is what the tokens are made for. Cloud Tasks, Cloud Scheduler and Pub/Sub take
	// it from the OidcToken of the task, the job or the subscription, and use the whole URL
	// that they call if it has none: give all of them the address of the site. It must not be
	// empty, because every service account can get tokens for other sites.
	Audience string
	// Accounts are the mail addresses of the service accounts that may call. There must be
	// one.
	Accounts []string
	// Issuer signs the tokens. It uses https, except on this machine. If empty, it is
	// https://accounts.google.com.
	Issuer string
	// Timeout bounds each call of the issuer. If 0, it is 10 seconds.
	Timeout time.Duration
	// Transport makes the calls. If nil, it is http.DefaultTransport.
	Transport http.RoundTripper
}

// Callers knows the programs that may call a site: those that send an OpenID Connect token of
// a service account, as Cloud Tasks and Cloud Scheduler do. It is safe for concurrent use.
// Make one with [NewCallers].
//
// The keys of the issuer are fetched at the first token, again after an hour, and if a token
// names a key that is not known, at most once in 5 seconds. While the issuer does not respond,
// they are used for a day.
type Callers struct {
	config    CallersConfig
	discovery discovery

	keys     atomic.Pointer[keySet] // nil if not known yet
	fetching sync.Mutex             // held while the keys are fetched
	asked    time.Time              // when that was tried last
	failed   error                  // why it failed; nil if it did not
}

// A keySet has the keys of the issuer, as they were at a time.
type keySet struct {
	jose.JSONWebKeySet
	at time.Time
}

const (
	keysFresh  = time.Hour      // how long keys are used without asking for them again
	keysUsable = 24 * time.Hour // how long they are used if the issuer does not respond
	maxToken   = 8 << 10        // bytes; those of Google have about 1,000
)

// removedSignature is what Cloud Run writes in the place of a token's signature when IAM has
// checked it: https://cloud.google.com/run/docs/troubleshooting.
const removedSignature = "SIGNATURE_REMOVED_BY_GOOGLE"

// ErrCaller is wrapped by the error of [Callers.Verify] for a request that does not prove who
// sends it. Its HTTPStatus is 403.
var ErrCaller error = statusError{"auth/oidc: the request does not prove which program sends it", http.StatusForbidden}

// NewCallers returns a Callers. It connects to nothing yet, so that a site starts without the
// issuer. It returns an error that lists what is wrong with the configuration.
func NewCallers(c CallersConfig) (*Callers, error) {
	if c.Issuer == "" {
		c.Issuer = "https://accounts.google.com"
	}
	var errs []error
	wrong := func(format string, a ...any) {
		errs = append(errs, fmt.Errorf("auth/oidc: CallersConfig."+format, a...))
	}
	if c.Audience == "" {
		wrong("Audience is empty: set it to the audience of the tokens, such as the address of the site")
	}
	if len(c.Accounts) == 0 {
		wrong("Accounts is empty: set it to the mail addresses of the service accounts that may call")
	}
	for i, account := range c.Accounts {
		if name, domain, _ := strings.Cut(account, "@"); name == "" || domain == "" {
			wrong("Accounts[%d] is %q: set it to a mail address, such as tasks@project.iam.gserviceaccount.com", i, account)
		}
	}
	if !isAddress(c.Issuer) {
		wrong("Issuer is %q: set it to an https address, such as https://accounts.google.com", c.Issuer)
	}
	if c.Timeout < 0 {
		wrong("Timeout is %v: it must be positive; 0 means 10s", c.Timeout)
	}
	if errs != nil {
		return nil, errors.Join(errs...)
	}
	c.Accounts = slices.Clone(c.Accounts)
	return &Callers{config: c, discovery: discovery{
		issuer: c.Issuer, client: newClient(c.Transport, c.Timeout), needs: []string{"jwks_uri"},
	}}, nil
}

// Verify returns nil if a request has the token of a service account that may call, in its one
// Authorization header (RFC 6750). It checks the signature (RS256), the issuer, the audience,
// the expiry and the time of issue of the token, and that its address is verified and one of
// CallersConfig.Accounts. Errors wrap [ErrCaller], or [ErrUnavailable] if the keys of the
// issuer cannot be fetched; their text is for the log, and has no token.
//
// A Cloud Run service that requires authentication removes the signature of a token before the
// program gets it, so that Verify refuses it: allow unauthenticated calls.
func (c *Callers) Verify(r *http.Request) error {
	refuse := func(format string, a ...any) error {
		return fmt.Errorf("%w: "+format, append([]any{ErrCaller}, a...)...)
	}
	lines := r.Header["Authorization"]
	if len(lines) != 1 {
		return refuse("it has %d Authorization headers", len(lines))
	}
	scheme, token, _ := strings.Cut(lines[0], " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" || len(token) > maxToken {
		return refuse("its Authorization header has no bearer token of at most %d bytes", maxToken)
	}
	if strings.HasSuffix(token, "."+removedSignature) {
		return refuse("Cloud Run has removed the signature of its token: allow unauthenticated calls of the service, so that the token can be checked here")
	}
	signature := &callerKeys{callers: c}
	verifier := oidc.NewVerifier(c.config.Issuer, signature, &oidc.Config{
		ClientID: c.config.Audience, SupportedSigningAlgs: []string{oidc.RS256},
	})
	verified, err := verifier.Verify(r.Context(), token)
	if signature.err != nil {
		return signature.err
	}
	if err != nil {
		return refuse("%.300s", err)
	}
	var claims struct {
		Email    string `json:"email"`
		Verified any    `json:"email_verified"`
	}
	if err := verified.Claims(&claims); err != nil {
		return refuse("the claims of its token cannot be read")
	}
	switch {
	case len(verified.Audience) != 1:
		return refuse("its token is for %d audiences", len(verified.Audience))
	case verified.IssuedAt.After(time.Now().Add(maxAhead)):
		return refuse("its token was issued at %v", verified.IssuedAt.UTC())
	case claims.Verified != true:
		return refuse("the address of its token is not verified")
	case !slices.Contains(c.config.Accounts, claims.Email):
		return refuse("its token is that of %.100q", claims.Email)
	}
	return nil
}

// callerKeys verifies the signature of one token.
type callerKeys struct {
	callers *Callers
	err     error // why the keys could not be fetched, which the verifier does not wrap
}

func (k *callerKeys) VerifySignature(ctx context.Context, token string) ([]byte, error) {
	signed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		return nil, err
	}
	id := signed.Signatures[0].Protected.KeyID
	set, err := k.callers.keysWith(ctx, id)
	if err != nil {
		k.err = err
		return nil, err
	}
	for _, key := range set.Key(id) {
		if payload, err := signed.Verify(key); err == nil {
			return payload, nil
		}
	}
	return nil, errors.New("no key of the issuer has signed it")
}

// keysWith returns the keys of the issuer, and fetches them if they are too old or have none
// with this id.
func (c *Callers) keysWith(ctx context.Context, id string) (*keySet, error) {
	good := func(set *keySet) bool {
		return set != nil && time.Since(set.at) < keysFresh && len(set.Key(id)) > 0
	}
	set := c.keys.Load()
	if good(set) {
		return set, nil
	}
	if !c.fetching.TryLock() {
		if set != nil && time.Since(set.at) < keysUsable && len(set.Key(id)) > 0 {
			return set, nil // another request is fetching them
		}
		c.fetching.Lock()
	}
	defer c.fetching.Unlock()
	if set = c.keys.Load(); good(set) {
		return set, nil // another request has fetched them meanwhile
	}
	if c.asked.IsZero() || time.Since(c.asked) >= pause {
		fetched, err := c.fetchKeys(ctx)
		c.asked, c.failed = time.Now(), err
		if err == nil {
			set = fetched
			c.keys.Store(set)
		}
	}
	if set != nil && time.Since(set.at) < keysUsable {
		return set, nil
	}
	return nil, c.failed
}

func (c *Callers) fetchKeys(ctx context.Context) (*keySet, error) {
	issuer, err := c.discovery.provider(ctx)
	if err != nil {
		return nil, err
	}
	failed := func(err error) (*keySet, error) {
		return nil, fmt.Errorf("%w: the keys of %s: %.300s", ErrUnavailable, c.config.Issuer, err)
	}
	var document struct {
		Keys string `json:"jwks_uri"`
	}
	if err := issuer.Claims(&document); err != nil {
		return failed(err)
	}
	request, err := http.NewRequestWithContext(context.WithoutCancel(ctx), http.MethodGet, document.Keys, nil)
	if err != nil {
		return failed(err)
	}
	response, err := c.discovery.client.Do(request)
	if err != nil {
		return failed(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return failed(err)
	}
	if response.StatusCode != http.StatusOK {
		return failed(errors.New(response.Status))
	}
	set := &keySet{at: time.Now()}
	if err := json.Unmarshal(body, &set.JSONWebKeySet); err != nil {
		return failed(err)
	}
	if len(set.Keys) == 0 {
		return failed(errors.New("there are none"))
	}
	return set, nil
}
