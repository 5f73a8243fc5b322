package handlers_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/handlers"
	"github.com/webapp2go/webapp2go/sessions"
)

func ExampleTraceBackend() {
	manager, err := sessions.New(sessions.Config{
		Keys:     []sessions.Key{sessions.RandomKey()},
		Sessions: []sessions.Spec{{Backend: handlers.TraceBackend(sessions.NewMemory()), Insecure: true}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	site := &handlers.Site{Sessions: manager}
	app := framework.New()
	app.Init = site.Init
	app.Handle("/visit", framework.To[visitPage](app))
	app.Trace = func(r *http.Request) (*http.Request, func(framework.Step)) {
		return r, func(s framework.Step) {
			if s.Kind == "backend" && s.Phase == framework.StepBegun {
				fmt.Println(s.Name)
			}
		}
	}

	first := httptest.NewRecorder()
	app.ServeHTTP(first, httptest.NewRequest("GET", "/visit", nil))
	again := httptest.NewRequest("GET", "/visit", nil)
	again.AddCookie(first.Result().Cookies()[0])
	app.ServeHTTP(httptest.NewRecorder(), again)
	// Output:
	// create
	// load
	// update
}

// A traced backend behaves the same and has the same optional methods.
func TestTraceBackend(t *testing.T) {
	type plain struct{ sessions.Backend }
	if _, ok := handlers.TraceBackend(plain{sessions.NewMemory()}).(sessions.UserBackend); ok {
		t.Error("it lists the sessions of users, which the backend cannot")
	}
	if current := handlers.TraceBackend(plain{sessions.NewMemory()}).(sessions.CurrentBackend); current.LoadIsCurrent() {
		t.Error("its loads are current, and those of the backend are not")
	}
	ctx := t.Context()
	memory := sessions.NewMemory()
	b := handlers.TraceBackend(memory).(sessions.UserBackend)
	if !b.(sessions.CurrentBackend).LoadIsCurrent() {
		t.Error("its loads are not current, and those of the backend are")
	}
	if _, err := b.Load(ctx, strings.Repeat("n", 43)); !errors.Is(err, sessions.ErrNotFound) {
		t.Errorf("a load of nothing: %v", err)
	}

	manager, err := sessions.New(sessions.Config{Keys: []sessions.Key{sessions.RandomKey()}, Sessions: []sessions.Spec{{Backend: b}}})
	if err != nil {
		t.Fatal(err)
	}
	store := manager.Store(httptest.NewRequest("GET", "/", nil))
	store.Session().SetUser("ann")
	if err := store.Save(httptest.NewRecorder()); err != nil {
		t.Fatal(err)
	}
	if list, err := b.Sessions(ctx, "ann"); err != nil || len(list) != 1 {
		t.Fatalf("the sessions of ann: %v, %v", list, err)
	}
	if err := b.EndUser(ctx, "ann"); err != nil {
		t.Error(err)
	}
	if list, err := memory.Sessions(ctx, "ann"); err != nil || len(list) != 0 {
		t.Errorf("after the end the sessions of ann are %v, %v", list, err)
	}
	id := store.Session().ID()
	if err := b.Create(ctx, id, sessions.Record{Data: []byte("x"), Expires: time.Now().Add(time.Hour)}); err != nil {
		t.Error(err)
	}
	if err := b.Delete(ctx, id); err != nil {
		t.Error(err)
	}
	if _, err := memory.Load(ctx, id); !errors.Is(err, sessions.ErrNotFound) {
		t.Errorf("a record that was deleted: %v", err)
	}
}
