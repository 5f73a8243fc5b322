package main

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"google.golang.org/api/idtoken"
	"google.golang.org/api/option"

	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/handlers"
	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/webapp2"
)

// What follows is quoted by docs/migrating.md and docs/appengine.md.

func vaultRoute(app *framework.App) error {
	path, err := webapp2.Regex(`/vault/([\w-]+)/?$`)
	if err != nil {
		return err
	}
	app.Handle(path, framework.To[Vault](app)).Name("vault")
	return nil
}

type Vault struct{ framework.RequestHandler }

func (h *Vault) Get() error { return h.Text(h.Var("0")) }

// API is the base of handlers for programs of other sites.
type API struct{ framework.RequestHandler }

func (h *API) IsAPI() bool { return true }

func (h *API) Dispatch() error {
	h.Response.Header().Set("Access-Control-Allow-Origin", "*")
	return h.RequestHandler.Dispatch()
}

func (h *API) Options() error {
	h.Response.Header().Set("Access-Control-Allow-Methods", "GET, POST")
	h.Response.Header().Set("Access-Control-Allow-Headers", "Content-Type")
	h.Response.WriteHeader(http.StatusNoContent)
	return nil
}

// Picture takes an upload, and sends it back.
type Picture struct {
	API
	Kept *[]byte
}

func (h *Picture) Post() error {
	h.LimitBody(10 << 20)
	file, _, err := h.Request.FormFile("img")
	if err != nil {
		return h.Abort(http.StatusBadRequest, "Send a picture as img.")
	}
	defer file.Close()
	picture, err := io.ReadAll(file)
	if err != nil {
		return err
	}
	*h.Kept = picture
	return h.JSON(map[string]int{"bytes": len(picture)})
}

func (h *Picture) Get() error {
	sum := sha256.Sum256(*h.Kept)
	h.Response.Header().Set("ETag", `"`+hex.EncodeToString(sum[:16])+`"`)
	h.Response.Header().Set("Cache-Control", "public, max-age=60")
	h.Response.Header().Set("Content-Disposition", `attachment; filename="picture.png"`)
	http.ServeContent(h.Response, h.Request, "picture.png", time.Time{}, bytes.NewReader(*h.Kept))
	return nil
}

func pictureRoute(app *framework.App, kept *[]byte) {
	app.Handle("/picture", framework.From(app, func() *Picture { return &Picture{Kept: kept} }))
	app.CrossOrigin = http.NewCrossOriginProtection()
	app.CrossOrigin.AddInsecureBypassPattern("/picture") // it believes no cookie
}

// Settings is read by everybody who is logged in, and written by admins.
type Settings struct{ handlers.PrivateHandler }

func (h *Settings) Guard() error {
	if err := h.PrivateHandler.Guard(); err != nil {
		return err
	}
	switch h.Request.Method {
	case http.MethodPost:
		user, err := h.User()
		if err != nil {
			return err
		}
		if !user.Has("admin") {
			return h.Abort(http.StatusForbidden)
		}
	}
	return nil
}

func (h *Settings) Get() error  { return h.Text("settings") }
func (h *Settings) Post() error { return h.Text("changed") }

// TaskHandler is the base of the handlers that Cloud Tasks calls on Cloud Run. Whoever calls
// must have a token of the service account of the queue.
type TaskHandler struct {
	handlers.BaseHandler
	Tokens   *idtoken.Validator
	Audience string // the URL of this service; an empty one would let every token in
	Account  string // the service account that the queue's tasks have
}

func (h *TaskHandler) Ready() error {
	if h.Tokens == nil || h.Audience == "" || h.Account == "" {
		return fmt.Errorf("a TaskHandler needs Tokens, Audience and Account")
	}
	return h.BaseHandler.Ready()
}

func (h *TaskHandler) Guard() error {
	token, _ := strings.CutPrefix(h.Request.Header.Get("Authorization"), "Bearer ")
	payload, err := h.Tokens.Validate(h.Context(), token, h.Audience)
	if err != nil {
		slog.Warn("a task was refused", "error", err)
		return h.Abort(http.StatusForbidden)
	}
	issuer := strings.TrimPrefix(payload.Issuer, "https://")
	if issuer != "accounts.google.com" || payload.Claims["email"] != h.Account || payload.Claims["email_verified"] != true {
		slog.Warn("a task was refused", "issuer", payload.Issuer, "email", payload.Claims["email"])
		return h.Abort(http.StatusForbidden)
	}
	return nil
}

type Work struct{ TaskHandler }

func (h *Work) Post() error { return h.Text("done") }

func TestQuotedRequests(t *testing.T) {
	app := framework.New()
	if err := vaultRoute(app); err != nil {
		t.Fatal(err)
	}
	kept := new([]byte)
	pictureRoute(app, kept)
	if err := app.Check(); err != nil {
		t.Fatal(err)
	}
	ask := func(method, path string, body io.Reader, headers ...string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, path, body)
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		w := httptest.NewRecorder()
		app.ServeHTTP(w, r)
		return w
	}
	if w := ask("GET", "/vault/a-1/", nil); w.Body.String() != "a-1" {
		t.Errorf("vault: %d %s", w.Code, w.Body)
	}
	var upload bytes.Buffer
	form := multipart.NewWriter(&upload)
	part, _ := form.CreateFormFile("img", "a.png")
	io.WriteString(part, "pixels")
	form.Close()
	w := ask("POST", "/picture", &upload, "Content-Type", form.FormDataContentType(), "Sec-Fetch-Site", "cross-site", "Origin", "https://other.example")
	if w.Code != 200 || strings.TrimSpace(w.Body.String()) != `{"bytes":6}` || w.Header().Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("upload: %d %s", w.Code, w.Body)
	}
	if w := ask("POST", "/picture", strings.NewReader("x")); w.Code != 400 || !strings.Contains(w.Header().Get("Content-Type"), "json") {
		t.Errorf("no upload: %d %s", w.Code, w.Body)
	}
	w = ask("GET", "/picture", nil)
	if w.Body.String() != "pixels" {
		t.Errorf("download: %d %s", w.Code, w.Body)
	}
	if w := ask("GET", "/picture", nil, "If-None-Match", w.Header().Get("ETag")); w.Code != 304 {
		t.Errorf("again: %d", w.Code)
	}
	if w := ask("OPTIONS", "/picture", nil, "Origin", "https://other.example", "Access-Control-Request-Method", "POST"); w.Code != 204 || w.Header().Get("Access-Control-Allow-Methods") == "" {
		t.Errorf("preflight: %d %v", w.Code, w.Header())
	}
}

func TestQuotedMethodGuard(t *testing.T) {
	kept := inMemory()
	server := serve(t, kept, config{}, func(app *framework.App) { app.Handle("/settings", framework.To[Settings](app)) })
	visitor := newBrowser(t, server)
	visitor.get("/settings", 200, "Log in")
	visitor.post("/signup", form("name", "Ann", "password", "a long enough one"), 200)
	visitor.get("/settings", 200, "settings")
	visitor.post("/settings", form(), 403)
}

// googleKeys is a client that answers with the key of the tests where Google's are asked for.
type googleKeys struct{ key *rsa.PrivateKey }

func (g googleKeys) RoundTrip(*http.Request) (*http.Response, error) {
	number := base64.RawURLEncoding.EncodeToString(g.key.N.Bytes())
	body := fmt.Sprintf(`{"keys": [{"kid": "k", "kty": "RSA", "alg": "RS256", "use": "sig", "e": "AQAB", "n": %q}]}`, number)
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}, nil
}

func (g googleKeys) token(t *testing.T, claims map[string]any) string {
	t.Helper()
	body, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	signed := base64.RawURLEncoding.EncodeToString([]byte(`{"alg": "RS256", "kid": "k", "typ": "JWT"}`)) + "." + base64.RawURLEncoding.EncodeToString(body)
	sum := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(nil, g.key, crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func TestQuotedTask(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	google := googleKeys{key}
	tokens, err := idtoken.NewValidator(t.Context(), option.WithHTTPClient(&http.Client{Transport: google}))
	if err != nil {
		t.Fatal(err)
	}
	manager, err := sessions.New(sessions.Config{Keys: []sessions.Key{secret}, Sessions: []sessions.Spec{{}}})
	if err != nil {
		t.Fatal(err)
	}
	site := &handlers.Site{Sessions: manager}
	const audience, account = "https://me.example", "queue@project.iam.gserviceaccount.com"
	app := framework.New()
	app.Init = site.Init
	app.Handle("/work", framework.From(app, func() *Work {
		return &Work{TaskHandler{Tokens: tokens, Audience: audience, Account: account}}
	}))
	if err := app.Check(); err != nil {
		t.Fatal(err)
	}
	claims := func(name string, value any) map[string]any {
		all := map[string]any{"iss": "https://accounts.google.com", "aud": audience, "email": account, "email_verified": true, "exp": time.Now().Add(time.Hour).Unix(), "iat": time.Now().Unix()}
		if name != "" {
			all[name] = value
		}
		return all
	}
	for name, c := range map[string]struct {
		authorization string
		status        int
	}{
		"good":             {"Bearer " + google.token(t, claims("", nil)), 200},
		"none":             {"", 403},
		"nonsense":         {"Bearer x.y.z", 403},
		"another audience": {"Bearer " + google.token(t, claims("aud", "https://other.example")), 403},
		"expired":          {"Bearer " + google.token(t, claims("exp", time.Now().Add(-time.Hour).Unix())), 403},
		"another issuer":   {"Bearer " + google.token(t, claims("iss", "https://evil.example")), 403},
		"another account":  {"Bearer " + google.token(t, claims("email", "other@project.iam.gserviceaccount.com")), 403},
		"not verified":     {"Bearer " + google.token(t, claims("email_verified", false)), 403},
	} {
		r := httptest.NewRequest("POST", "/work", nil)
		if c.authorization != "" {
			r.Header.Set("Authorization", c.authorization)
		}
		w := httptest.NewRecorder()
		app.ServeHTTP(w, r)
		if w.Code != c.status {
			t.Errorf("%s: %d, want %d", name, w.Code, c.status)
		}
	}
	app = framework.New()
	app.Init = site.Init
	app.Handle("/work", framework.To[Work](app))
	if err := app.Check(); err == nil || !strings.Contains(err.Error(), "Audience") {
		t.Error("a TaskHandler without an audience passes Check")
	}
}
