package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/auth/oidc"
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
	if err := h.ParseForm(); err != nil { // 413 if it is larger
		return err
	}
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

// Resize is a task: it makes the small copies of a picture.
type Resize struct{ handlers.TaskHandler }

func (h *Resize) Post() error {
	var picture struct{ Name string }
	if err := h.DecodeJSON(&picture); err != nil {
		return err
	}
	if picture.Name == "" {
		slog.ErrorContext(h.Context(), "a task without a name is dropped", "task", h.Task())
		return nil // another attempt would fail too
	}
	return resize(h.Context(), picture.Name)
}

// onlyTasks lets Cloud Tasks and Cloud Scheduler call, by the tokens of a service account.
func onlyTasks(site *handlers.Site, address, account string) error {
	callers, err := oidc.NewCallers(oidc.CallersConfig{Audience: address, Accounts: []string{account}})
	if err != nil {
		return err
	}
	site.VerifyCaller = callers.Verify
	return nil
}

var resized []string

func resize(_ context.Context, name string) error {
	resized = append(resized, name)
	return nil
}

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
	var large bytes.Buffer
	tooLarge := multipart.NewWriter(&large)
	part, _ := tooLarge.CreateFormFile("img", "large.png")
	part.Write(make([]byte, 11<<20))
	tooLarge.Close()
	if w := ask("POST", "/picture", &large, "Content-Type", tooLarge.FormDataContentType()); w.Code != http.StatusRequestEntityTooLarge || !strings.Contains(w.Body.String(), "More than") {
		t.Errorf("a large upload: %d %s", w.Code, w.Body)
	}
	var upload bytes.Buffer
	form := multipart.NewWriter(&upload)
	part, _ = form.CreateFormFile("img", "a.png")
	io.WriteString(part, "pixels")
	form.Close()
	w := ask("POST", "/picture", &upload, "Content-Type", form.FormDataContentType(), "Sec-Fetch-Site", "cross-site", "Origin", "https://other.example")
	if w.Code != 200 || strings.TrimSpace(w.Body.String()) != `{"bytes":6}` || w.Header().Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("upload: %d %s", w.Code, w.Body)
	}
	if w := ask("POST", "/picture", strings.NewReader("x")); w.Code != 415 || !strings.Contains(w.Header().Get("Content-Type"), "json") {
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

func TestQuotedTask(t *testing.T) {
	manager, err := sessions.New(sessions.Config{Keys: []sessions.Key{secret}, Sessions: []sessions.Spec{{}}})
	if err != nil {
		t.Fatal(err)
	}
	site := &handlers.Site{Sessions: manager}
	app := framework.New()
	app.Init, app.TrustedProxy = site.Init, framework.CloudRun
	app.Handle("/tasks/resize", framework.To[Resize](app))
	if err := app.Check(); err == nil || !strings.Contains(err.Error(), "VerifyCaller") {
		t.Errorf("without VerifyCaller: %v", err)
	}
	if err := onlyTasks(site, "", "tasks@project.iam.gserviceaccount.com"); err == nil {
		t.Error("without an audience: no error")
	}
	if err := onlyTasks(site, "https://me.example", "tasks@project.iam.gserviceaccount.com"); err != nil {
		t.Fatal(err)
	}
	app = framework.New()
	app.Init, app.TrustedProxy = site.Init, framework.CloudRun
	app.Handle("/tasks/resize", framework.To[Resize](app))
	if err := app.Check(); err != nil {
		t.Fatal(err)
	}
	ask := func(body string) int {
		r := httptest.NewRequest("POST", "/tasks/resize", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("X-AppEngine-QueueName", "resize")
		w := httptest.NewRecorder()
		app.ServeHTTP(w, r)
		return w.Code
	}
	if code := ask(`{"Name": "a.png"}`); code != 403 || resized != nil {
		t.Errorf("a forged header on Cloud Run: %d", code)
	}
	app.TrustedProxy = framework.AppEngine
	if code := ask(`{"Name": "a.png"}`); code != 200 || len(resized) != 1 {
		t.Errorf("App Engine's queue: %d, %v", code, resized)
	}
	if code := ask(`{}`); code != 200 || len(resized) != 1 {
		t.Errorf("a task that can never succeed: %d, %v", code, resized)
	}
}
