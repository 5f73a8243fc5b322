package handlers_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/handlers"
	"github.com/webapp2go/webapp2go/sessions"
)

// ExampleTokenHandler is a login for programs.
type ExampleTokenHandler struct{ handlers.BaseHandler }

func (h *ExampleTokenHandler) Post() error {
	if err := h.ParseForm(); err != nil {
		return err
	}
	name, throttle := h.Request.PostForm.Get("name"), &h.Site.Throttle
	if wait := throttle.Wait(h.Request, name); wait > 0 {
		h.Response.Header().Set("Retry-After", strconv.Itoa(int(wait/time.Second)+1))
		return h.Abort(http.StatusTooManyRequests)
	}
	defer throttle.Done(h.Request)
	user, err := h.Site.Passwords.LogIn(h.Context(), h.Site.Users, name, h.Request.PostForm.Get("password"))
	if errors.Is(err, auth.ErrCredentials) {
		throttle.Failed(h.Request, name)
	}
	if err != nil {
		return err
	}
	throttle.Succeeded(h.Response, h.Request, user)
	h.LogIn(user, sessions.Login{Method: "password"})
	h.LogSecurity(handlers.LoginSuccess, user)
	return nil
}

// A handler that verifies passwords itself uses the site's Throttle, as the login page does.
func ExampleThrottle() {
	site, app := exampleSite()
	site.Throttle.Failures = 3
	app.Handle("/token", framework.To[ExampleTokenHandler](app))
	server := httptest.NewServer(app)
	defer server.Close()
	for range 5 {
		res, err := http.PostForm(server.URL+"/token", url.Values{"name": {"ann"}, "password": {"a guess"}})
		if err != nil {
			log.Fatal(err)
		}
		res.Body.Close()
		fmt.Println(res.Status)
	}
	// Output:
	// 401 Unauthorized
	// 401 Unauthorized
	// 401 Unauthorized
	// 429 Too Many Requests
	// 429 Too Many Requests
}

// A form that sends a mail calls WaitMail first.
func ExampleThrottle_WaitMail() {
	site, _ := exampleSite()
	for range 4 {
		wait := site.Throttle.WaitMail(context.Background(), "ann@example.com")
		fmt.Println(wait == 0)
	}
	// Output:
	// true
	// true
	// true
	// false
}

// A handler of the site can add records to the security log.
func ExampleBaseHandler_LogSecurity() {
	site, app := exampleSite()
	site.SecurityLog = slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey || a.Key == "id" {
			return slog.Attr{} // which differs in each run
		}
		return a
	}}))
	app.Handle("/export", framework.ToMethod(app, func(h *handlers.BaseHandler) error {
		h.LogSecurity("sensitive_read", &auth.User{ID: "7", Name: "ann"}, slog.String("what", "all orders"))
		return nil
	})).Methods("POST")
	app.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "/export", nil))
	// Output:
	// level=INFO msg=sensitive_read user=7 name=ann source_ip=192.0.2.1 what="all orders"
}

// exampleCounter is a Counter in memory. Packages sessions/memcache and sessions/valkey have
// one for several instances.
type exampleCounter struct {
	mutex  sync.Mutex
	counts map[string]int
}

func (c *exampleCounter) Counts(_ context.Context, keys []string) ([]int, error) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	counts := make([]int, len(keys))
	for i, key := range keys {
		counts[i] = c.counts[key]
	}
	return counts, nil
}

func (c *exampleCounter) Add(_ context.Context, key string, _ time.Duration) error {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.counts[key]++
	return nil
}

// Two instances of a program, with the same session keys, count together.
func ExampleCounter() {
	shared := &exampleCounter{counts: map[string]int{}}
	first, _ := exampleSite()
	for range 2 {
		site, _ := exampleSite() // one instance
		site.Throttle.Failures, site.Throttle.Counter, site.Throttle.Sessions = 3, shared, first.Sessions
		wrong := 0
		for range 3 {
			r := httptest.NewRequest("POST", "/login", nil)
			if site.Throttle.Wait(r, "ann") == 0 {
				site.Throttle.Failed(r, "ann")
				wrong++
			}
			site.Throttle.Done(r)
		}
		fmt.Println("wrong passwords that were verified:", wrong)
	}
	// Output:
	// wrong passwords that were verified: 3
	// wrong passwords that were verified: 0
}
