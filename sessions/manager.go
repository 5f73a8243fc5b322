package sessions

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"strings"
	"time"
)

// A Manager makes the Store of each request. It is made once, by [New], and is safe
// for concurrent use.
type Manager struct {
	specs []*declared
	codec *codec
	log   *slog.Logger
	now   func() time.Time
	event func(Event)

	backed   bool   // a Spec has a Backend
	since    int64  // sessions created before it have ended, in Unix milliseconds
	personal string // the Cache-Control of users' pages
	notices  notices

	derive func(purpose string) [][]byte
}

// New checks the whole of c and reports every mistake it finds, joined, each with how
// to fix it. It keeps nothing of c that the caller may change.
func New(c Config) (*Manager, error) {
	m := &Manager{log: cmp.Or(c.Log, slog.Default()), now: c.Now, event: c.OnEvent, derive: deriver(c.Keys, c.Site)}
	if m.now == nil {
		m.now = time.Now
	}
	codec, err := newCodec(c.Keys)
	m.codec = codec
	errs := []error{err}
	if m.since = math.MinInt64; !c.Since.IsZero() {
		m.since = c.Since.UnixMilli()
		if ahead := c.Since.Sub(m.now()); ahead > maxSkew {
			errs = append(errs, fmt.Errorf("sessions: Config.Since is %v ahead: nobody could have a session until then; set it to a time that has passed", ahead.Round(time.Second)))
		}
	}
	if m.personal = cmp.Or(c.PersonalCache, "no-store"); m.personal != "no-store" {
		errs = append(errs, checkPersonal(m.personal))
	}
	specs := c.Sessions
	if len(specs) == 0 {
		specs = []Spec{{}}
	}
	for i, spec := range specs {
		d := declare(m, spec, c.Site)
		for _, err := range d.check() {
			errs = append(errs, specError(i, err))
		}
		m.specs = append(m.specs, d)
		m.backed = m.backed || spec.Backend != nil
	}
	errs = append(errs, m.checkNames()...)
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return m, nil
}

// Store returns the sessions of r: those of [Manager.Middleware], if r came through it,
// else a new Store, which the caller keeps and saves. It reads nothing yet.
func (m *Manager) Store(r *http.Request) *Store {
	if st := m.fromContext(r); st != nil {
		return st
	}
	st := new(Store)
	st.begin(m, r)
	return st
}

// StoreIn is [Manager.Store], but a new Store is made in room, which must not have been
// used before. It spares an allocation to whoever keeps a Store in a larger value.
func (m *Manager) StoreIn(room *Store, r *http.Request) *Store {
	if st := m.fromContext(r); st != nil {
		return st
	}
	room.begin(m, r)
	return room
}

func (m *Manager) index(name string) int {
	for i, d := range m.specs {
		if d.Name == name {
			return i
		}
	}
	return -1
}

func (m *Manager) undeclared(name string) string {
	var names []string
	for _, d := range m.specs {
		names = append(names, fmt.Sprintf("%q", d.Name))
	}
	return fmt.Sprintf("sessions: no session %q is declared: add a Spec to Config.Sessions, or use one of %s", name, strings.Join(names, ", "))
}
