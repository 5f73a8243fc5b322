package sessions_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/sessions"
)

func TestUsers(t *testing.T) {
	ctx := t.Context()
	site := loginSite(t, newProbe(), func() {})
	phone, laptop, desk := site.browser(), site.browser(), site.browser()
	for _, b := range []*browser{phone, laptop, desk} {
		b.get("/login")
	}
	list, err := site.manager.UserSessions(ctx, "", "ann")
	if err != nil || len(list) != 3 {
		t.Fatalf("%d sessions, %v", len(list), err)
	}
	for _, info := range list {
		if info.Created.IsZero() || info.Seen.IsZero() || time.Until(info.Expires) < 29*time.Minute {
			t.Errorf("%+v", info)
		}
	}
	mine := laptop.get("/id").body
	if err := site.manager.EndSession(ctx, "session", "ann", phone.get("/id").body); err != nil {
		t.Error(err)
	}
	phone.want("/show", " ")
	phone.want("/login", "ann") // and may log in again at once
	phone.want("/show", "ann login=true")
	if err := site.manager.EndUser(ctx, "", "ann", mine); err != nil {
		t.Error(err)
	}
	for b, sees := range map[*browser]string{phone: " ", desk: " ", laptop: "ann login=true"} {
		b.want("/show", sees)
	}
}

func TestUserErrors(t *testing.T) {
	ctx := t.Context()
	manager, err := sessions.New(sessions.Config{
		Keys: []sessions.Key{sessions.RandomKey()},
		Sessions: []sessions.Spec{
			{Backend: sessions.NewMemory()},
			{Name: "cookie"},
			{Name: "plain", Backend: struct{ sessions.Backend }{sessions.NewMemory()}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, session, user, id string
		want                    error
	}{
		{"signed cookies know no users", "cookie", "ann", id(1), errors.ErrUnsupported},
		{"nor does every backend", "plain", "ann", id(1), errors.ErrUnsupported},
		{"an undeclared session", "none", "ann", id(1), nil},
		{"nobody", "", "", id(1), nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, list := manager.UserSessions(ctx, test.session, test.user)
			all := manager.EndUser(ctx, test.session, test.user)
			one := manager.EndSession(ctx, test.session, test.user, test.id)
			for _, err := range []error{list, all, one} {
				if err == nil || test.want != nil && !errors.Is(err, test.want) {
					t.Errorf("%v", err)
				}
			}
		})
	}
	for _, unknown := range []string{id(1), "", "../../etc"} {
		if err := manager.EndSession(ctx, "", "ann", unknown); !errors.Is(err, sessions.ErrNotFound) {
			t.Errorf("%q: %v", unknown, err)
		}
	}
}

func TestEndSessionOfAnotherUser(t *testing.T) {
	site := loginSite(t, newProbe(), func() {})
	b := site.browser()
	b.get("/login")
	if err := site.manager.EndSession(t.Context(), "", "bob", b.get("/id").body); !errors.Is(err, sessions.ErrNotFound) {
		t.Errorf("%v", err)
	}
	b.want("/show", "ann login=true")
}

// A renewal between the lookup and the end of EndUser does not save the session.
func TestEndUserMeetsRenewals(t *testing.T) {
	p := newProbe()
	u := &renewing{probe: p}
	site := loginSite(t, u, func() {})
	b := site.browser()
	b.get("/login")
	u.meanwhile = func() { b.get("/renew") }
	if err := site.manager.EndUser(t.Context(), "", "ann"); err != nil {
		t.Error(err)
	}
	b.want("/show", " ")
	if n := p.living(); n != 0 {
		t.Errorf("%d sessions live", n)
	}
	// A session that is renewed again and again is reported.
	site = loginSite(t, u, func() {})
	b = site.browser()
	b.get("/login")
	u.meanwhile, u.always = func() { b.get("/renew") }, true
	if err := site.manager.EndUser(t.Context(), "", "ann"); !errors.Is(err, sessions.ErrConflict) {
		t.Errorf("%v", err)
	}
}

// A session that is renewed just before or while EndSession ends it is ended too.
func TestEndSessionMeetsRenewals(t *testing.T) {
	for _, when := range []string{"before the load", "after the load"} {
		t.Run(when, func(t *testing.T) {
			u := &renewedWhileLoading{probe: newProbe(), late: when == "after the load"}
			b := loginSite(t, u, func() {}).browser()
			b.get("/login")
			id := b.get("/id").body
			u.meanwhile = func() { b.get("/renew") }
			if err := b.site.manager.EndSession(t.Context(), "", "ann", id); err != nil {
				t.Error(err)
			}
			b.want("/show", " ")
			b.get("/login")
			b.want("/show", "ann login=true") // at once
		})
	}
}

// renewedWhileLoading calls meanwhile once, at the next Load.
type renewedWhileLoading struct {
	*probe
	meanwhile func()
	late      bool
}

func (r *renewedWhileLoading) Load(ctx context.Context, id string) (sessions.Record, error) {
	meanwhile := r.meanwhile
	r.meanwhile = nil
	if meanwhile == nil {
		return r.probe.Load(ctx, id)
	}
	if r.late {
		defer meanwhile()
	} else {
		meanwhile()
	}
	return r.probe.Load(ctx, id)
}

// renewing is a UserBackend whose EndUser sees a list from before a renewal.
type renewing struct {
	*probe
	meanwhile func()
	always    bool
}

func (r *renewing) EndUser(ctx context.Context, user string, except ...string) error {
	list, err := r.Sessions(ctx, user)
	if err != nil {
		return err
	}
	if r.meanwhile != nil {
		r.meanwhile()
		if !r.always {
			r.meanwhile = nil
		}
	}
	for _, info := range list {
		if err := r.Delete(ctx, info.ID); err != nil {
			return err
		}
	}
	return nil
}

// An id is a hash of the value in the cookie. Events never reveal that value.
func TestIDs(t *testing.T) {
	var events []sessions.Event
	p := newProbe()
	site := newSite(t, sessions.Config{
		Sessions: []sessions.Spec{{Backend: p}, {Name: "cookie"}},
		OnEvent:  func(e sessions.Event) { events = append(events, e) },
	}, map[string]action{
		"/": write,
		"/id": func(st *sessions.Store, _ *http.Request) string {
			return st.Session().ID() + st.Named("cookie").ID()
		},
	})
	b := site.browser()
	b.want("/id", "")
	b.get("/")
	got := b.get("/id").body
	if err := sessions.CheckID(got); err != nil || got != p.ids[0] {
		t.Errorf("id %q, the backend's %q, %v", got, p.ids[0], err)
	}
	if len(events) != 1 || events[0].Kind != sessions.EventCreated || events[0].ID != got || events[0].Session != "session" {
		t.Errorf("events: %+v", events)
	}
}
