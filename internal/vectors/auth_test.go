package vectors

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/handlers"
	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/webapp2"
)

// The group "auth" is of webapp2_extras.auth. What is compared is the status and who is
// logged in, as the application writes it: webapp2's token, its times and its cookie have
// no counterpart.

// joesHash is what webapp2_extras.security.generate_password_hash made of "secret".
const joesHash = "5bfb52c459cdb07218c176b5ddec9b6215bd5b76$sha1$salt"

// An authStep is an operation of this group.
type authStep struct {
	Op          string
	AuthID      string `json:"auth_id"`
	Password    string
	Remember    bool
	Silent      bool
	SaveSession *bool `json:"save_session"`
	Text        string
	Code        int
	Body        json.RawMessage
	Except      []authStep
}

// authHandler is a handler as a port writes it.
type authHandler struct {
	handlers.BaseHandler
	steps []authStep
}

func (h *authHandler) Get() error { return h.run(h.steps, nil) }

func (h *authHandler) run(steps []authStep, cause error) error {
	for _, step := range steps {
		if err := h.step(step, cause); err != nil {
			return err
		}
	}
	return nil
}

func (h *authHandler) step(step authStep, cause error) error {
	switch step.Op {
	case "login":
		name := strings.TrimPrefix(step.AuthID, "own:")
		user, err := h.Site.Passwords.LogIn(h.Context(), h.Site.Users, name, step.Password)
		if err != nil && step.Silent {
			fmt.Fprint(h, "null")
			return nil
		}
		if err != nil {
			return err
		}
		if step.SaveSession == nil || *step.SaveSession {
			h.LogIn(user, sessions.Login{Method: "password", Remembered: step.Remember})
		}
		fmt.Fprintf(h, `{"user_id":%s}`, user.ID)
	case "current_user", "current_user_id":
		user, err := h.User()
		switch {
		case err != nil:
			return err
		case user == nil:
			fmt.Fprint(h, "null")
		case step.Op == "current_user":
			fmt.Fprintf(h, `{"user_id":%s}`, user.ID)
		default:
			fmt.Fprint(h, user.ID)
		}
	case "logout":
		h.Session().Destroy()
	case "write":
		fmt.Fprint(h, step.Text)
	case "write_error":
		fmt.Fprintf(h, "[%v]", cause)
	case "abort":
		return h.Abort(step.Code)
	case "try":
		var body []authStep
		if err := json.Unmarshal(step.Body, &body); err != nil {
			return err
		}
		if err := h.run(body, nil); err != nil {
			return h.run(step.Except, err)
		}
	default:
		return fmt.Errorf("unknown op %q", step.Op)
	}
	return nil
}

// newAuthApp builds the application of a vector, whose one user comes from webapp2.
func (v *vector) newAuthApp(t *testing.T) *framework.App {
	t.Helper()
	const tokenMaxAge = 21 * 24 * time.Hour // webapp2's, for each login
	manager, err := sessions.New(sessions.Config{
		Keys: []sessions.Key{sessions.RandomKey()},
		Sessions: []sessions.Spec{{
			Name: cmp.Or(v.App.Config["webapp2_extras.auth"].CookieName, "auth"), Backend: sessions.NewMemory(),
			IdleTimeout: tokenMaxAge, AbsoluteTimeout: tokenMaxAge, RememberIdle: tokenMaxAge, RememberAbsolute: tokenMaxAge,
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	users := auth.NewMemory()
	if err := users.Create(t.Context(), &auth.User{ID: "1", Name: "joe", Password: joesHash}); err != nil {
		t.Fatal(err)
	}
	site := &handlers.Site{Sessions: manager, Users: users, Passwords: auth.Passwords{
		Argon2: auth.Argon2Params{Time: 1, MemoryKiB: 64}, Legacy: webapp2.PasswordHashes{}.Verify,
	}}
	app := framework.New()
	app.Init = site.Init
	app.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	for _, route := range v.App.Routes {
		steps := v.authSteps[route.Handler]
		app.Handle(route.Template, framework.From(app, func() *authHandler { return &authHandler{steps: steps} }))
	}
	return app
}

// gotAuth returns the outcome of a vector of the group here.
func (v *vector) gotAuth(t *testing.T) string {
	var out strings.Builder
	synctest.Test(t, func(t *testing.T) {
		app, start := v.newAuthApp(t), time.Now()
		jar := map[string]string{}
		var sent []map[string]string
		for _, spec := range v.Requests {
			if spec.Clock != 0 {
				time.Sleep(time.Until(start.Add(time.Duration(spec.Clock) * time.Second)))
			}
			cookies := jar
			if spec.Replay != nil {
				cookies = sent[*spec.Replay]
			}
			r := httptest.NewRequest(spec.Method, "https://localhost"+spec.Path, nil)
			was := map[string]string{}
			for name, value := range cookies {
				r.AddCookie(&http.Cookie{Name: name, Value: value})
				was[name] = value
			}
			sent = append(sent, was)
			w := httptest.NewRecorder()
			app.ServeHTTP(w, r)
			for _, c := range w.Result().Cookies() {
				if c.MaxAge < 0 {
					delete(jar, c.Name)
				} else {
					jar[c.Name] = c.Value
				}
			}
			out.WriteString(authOutcome(spec, w.Code, w.Body.String()))
		}
	})
	return out.String()
}

// wantAuth returns the outcome of a vector of the group in webapp2.
func (v *vector) wantAuth() string {
	var out strings.Builder
	for i, r := range v.Responses {
		out.WriteString(authOutcome(v.Requests[i], r.Status, r.Body))
	}
	return out.String()
}

func authOutcome(r requestSpec, status int, body string) string {
	var user struct {
		ID json.Number `json:"user_id"`
	}
	switch {
	case status >= 400:
		body = "(error page)"
	case strings.HasPrefix(body, "["):
		body = "(the error was caught)"
	case json.Unmarshal([]byte(body), &user) == nil && user.ID != "":
		body = "user " + user.ID.String()
	}
	return fmt.Sprintf("  %s %s -> %d %s\n", r.Method, r.Path, status, body)
}

// UnmarshalJSON reads the operations of the group auth as well.
func (v *vector) UnmarshalJSON(text []byte) error {
	type plain vector // without this method
	if err := json.Unmarshal(text, (*plain)(v)); err != nil {
		return err
	}
	if v.Group != "auth" {
		return nil
	}
	var spec struct {
		App struct {
			Handlers map[string]struct {
				Methods map[string][]authStep
			}
		}
	}
	v.authSteps = map[string][]authStep{}
	err := json.Unmarshal(text, &spec)
	for name, handler := range spec.App.Handlers {
		v.authSteps[name] = handler.Methods["get"]
	}
	return err
}

// The hash of the vectors' user is one of webapp2.
func TestJoesHash(t *testing.T) {
	ok, err := webapp2.PasswordHashes{}.Verify("secret", joesHash)
	if !ok || errors.Is(err, webapp2.ErrPlaintext) {
		t.Errorf("%v, %v", ok, err)
	}
}
