package handlers

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"strconv"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/auth"
)

// A simulation uses a Throttle in simulated time. The attacker can use every address.
type simulation struct {
	t        *testing.T
	throttle *Throttle
	now      time.Time
}

func simulate(t *testing.T, change func(throttle *Throttle)) *simulation {
	s := &simulation{t: t, throttle: new(Throttle), now: time.Unix(1_900_000_000, 0)}
	s.throttle.Now = func() time.Time { return s.now }
	s.throttle.App = nil
	if change != nil {
		change(s.throttle)
	}
	return s
}

// guess sends a password and reports whether it was verified. Cookie is that of a known
// browser, or empty.
func (s *simulation) guess(address, name, cookie string, right bool) bool {
	r := &http.Request{RemoteAddr: address, Header: http.Header{}}
	if cookie != "" {
		r.Header["Cookie"] = []string{cookie}
	}
	if s.throttle.Wait(r, name) > 0 {
		return false
	}
	if !right {
		s.throttle.Failed(r, name)
	}
	s.throttle.Done(r)
	return true
}

// spray guesses once every step and returns how many guesses were verified.
func (s *simulation) spray(d, step time.Duration, address, name func(i int) string) (through int) {
	for i, end := 0, s.now.Add(d); s.now.Before(end); i++ {
		if s.guess(address(i), name(i), "", false) {
			through++
		}
		s.now = s.now.Add(step)
	}
	return through
}

func always(text string) func(int) string { return func(int) string { return text } }

// ipv4 returns one of 16 million addresses.
func ipv4(i int) string {
	return netip.AddrFrom4([4]byte{11, byte(i >> 16), byte(i >> 8), byte(i)}).String()
}

func named(prefix string, n int) func(i int) string {
	return func(i int) string { return prefix + strconv.Itoa(i%n) }
}

func TestSprayFromOneAddress(t *testing.T) {
	for atOnce, want := range map[int]int{0: 499, 50: 249, 300: 1499} {
		s := simulate(t, func(throttle *Throttle) { throttle.Address = atOnce })
		if got := s.spray(time.Hour, time.Second/10, always("192.0.2.1"), named("name", 36_000)); got != want {
			t.Errorf("Address %d: %d of 36,000 were let through, want %d", atOnce, got, want)
		}
	}
}

// No limit stops this. Common passwords must be refused when they are chosen.
func TestSprayFromManyAddresses(t *testing.T) {
	s := simulate(t, nil)
	address := func(i int) string { return ipv4(i % 1000) }
	if got := s.spray(time.Hour, time.Second/5, address, named("name", 10_000)); got != 18_000 {
		t.Errorf("%d of 18,000 were let through", got)
	}
}

// Many addresses together get a bounded number of guesses at one account. Its user is not
// locked out of a known browser.
func TestOneAccountFromManyAddresses(t *testing.T) {
	users := auth.NewMemory()
	owner := &auth.User{Name: "owner", Password: "a hash"}
	if err := users.Create(t.Context(), owner); err != nil {
		t.Fatal(err)
	}
	s := simulate(t, func(throttle *Throttle) { throttle.Users = users })
	cookie := s.knownTo(owner)
	guesses, inNew, inKnown := 0, 0, 0
	for i := range 24 * 60 * 60 {
		if s.guess(ipv4(i%10_000), "owner", "", false) {
			guesses++
		}
		if i%3600 == 0 {
			if s.guess("192.0.2.1", "owner", "", true) {
				inNew++
			}
			if s.guess("192.0.2.1", "owner", cookie, true) {
				inKnown++
			}
		}
		s.now = s.now.Add(time.Second)
	}
	if guesses != 199 || inNew != 1 || inKnown != 24 {
		t.Errorf("%d guesses, the owner was let in %d times in a new browser and %d times in a known one, want 199, 1 and 24", guesses, inNew, inKnown)
	}
}

// knownTo returns the cookie of a browser that is known for a user.
func (s *simulation) knownTo(user *auth.User) string {
	w := recorded{}
	s.throttle.Succeeded(w, &http.Request{Header: http.Header{}}, user)
	cookie, err := http.ParseSetCookie(http.Header(w).Get("Set-Cookie"))
	if err != nil {
		s.t.Fatal(err)
	}
	return cookie.Name + "=" + cookie.Value
}

type recorded http.Header

func (r recorded) Header() http.Header         { return http.Header(r) }
func (r recorded) Write(p []byte) (int, error) { return len(p), nil }
func (r recorded) WriteHeader(int)             {}

func TestManyAccountsFromOneNetwork(t *testing.T) {
	s := simulate(t, nil)
	address := func(i int) string {
		ip := netip.MustParseAddr("2001:db8:1::").As16()
		ip[6], ip[7], ip[15] = byte(i>>8), byte(i), byte(i)
		return netip.AddrFrom16(ip).String()
	}
	by := map[string]int{}
	through := 0
	name := named("name", 1000)
	for i := range 24 * 60 * 60 {
		if s.guess(address(i), name(i), "", false) {
			through++
			by[name(i)]++
		}
		s.now = s.now.Add(time.Second)
	}
	most := 0
	for _, n := range by {
		most = max(most, n)
	}
	if through != 19_399 || most > 25 {
		t.Errorf("%d guesses, %d at one account at the most, want 19,399 and 25", through, most)
	}
}

// Many people share one address, and some of them mistype their password.
func TestManyPeopleBehindOneAddress(t *testing.T) {
	users := auth.NewMemory()
	for name, test := range map[string]struct {
		people         int
		within         time.Duration
		atOnce         int
		known          float64
		fewest, utmost int
	}{
		"1,000 in 15 min":              {1000, 15 * time.Minute, 0, 0, 0, 0},
		"5,000 in 15 min":              {5000, 15 * time.Minute, 0, 0, 2000, 3200},
		"5,000 in 15 min, 80 % known":  {5000, 15 * time.Minute, 0, 0.8, 0, 0},
		"5,000 in 15 min, 300 at once": {5000, 15 * time.Minute, 300, 0, 0, 0},
		"5,000 in 8 h":                 {5000, 8 * time.Hour, 0, 0, 0, 0},
		"20,000 in 8 h":                {20_000, 8 * time.Hour, 0, 0, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := simulate(t, func(throttle *Throttle) { throttle.Address, throttle.Users = test.atOnce, users })
			random := rand.New(rand.NewPCG(1, 2))
			refused := 0
			for i := range test.people {
				user := &auth.User{Name: "user" + strconv.Itoa(i)}
				cookie := ""
				if random.Float64() < test.known {
					if err := users.Create(t.Context(), user); err != nil {
						user, err = users.ByLogin(t.Context(), user.Name)
						if err != nil {
							t.Fatal(err)
						}
					}
					cookie = s.knownTo(user)
				}
				if random.Float64() < 0.08 && !s.guess("192.0.2.1", user.Name, cookie, false) || !s.guess("192.0.2.1", user.Name, cookie, true) {
					refused++
				}
				s.now = s.now.Add(test.within / time.Duration(test.people))
			}
			if refused < test.fewest || refused > test.utmost {
				t.Errorf("%d of %d people were refused, want %d to %d", refused, test.people, test.fewest, test.utmost)
			}
		})
	}
}

// Failures of other names do not end a lock, and lock out no other user.
func TestOtherFailuresDoNotEndALock(t *testing.T) {
	for _, others := range []int{20_000, 200_000} {
		t.Run(strconv.Itoa(others), func(t *testing.T) {
			s := simulate(t, nil)
			for s.guess("192.0.2.1", "ann", "", false) {
			}
			further := 0
			step := 5 * time.Minute / time.Duration(others)
			for i := range others {
				address, name := ipv4(i), "other"+strconv.Itoa(i)
				if l := &s.throttle.limits; others > 20_000 { // the same, but for the requests
					s.throttle.meter.add([]counted{{l.pair, name + "\n" + address}, {l.address, address}, {l.name, name}})
				} else if !s.guess(address, name, "", false) {
					t.Fatal("one of the others has to wait")
				}
				if i%(others/1000) == 0 && s.guess("192.0.2.1", "ann", "", false) {
					further++
				}
				s.now = s.now.Add(step)
			}
			if further != 3 { // one each 90 s
				t.Errorf("%d further guesses within 5 minutes, want 3", further)
			}
			refused := 0
			for i := range 2000 {
				if !s.guess(fmt.Sprintf("198.51.%d.%d", i>>8, byte(i)), "innocent"+strconv.Itoa(i), "", true) {
					refused++
				}
			}
			if refused != 0 {
				t.Errorf("%d of 2,000 other people are refused", refused)
			}
		})
	}
}

func TestSignUpsOfOneAddress(t *testing.T) {
	s := simulate(t, nil)
	made := 0
	for range 60 * 60 {
		r := &http.Request{RemoteAddr: "192.0.2.1", Header: http.Header{}}
		if s.throttle.WaitSignUp(r) == 0 {
			s.throttle.SignedUp(r)
			made++
		}
		s.throttle.Done(r)
		s.now = s.now.Add(time.Second)
	}
	if made != 39 { // 20, and one each 3 minutes
		t.Errorf("%d sign-ups in an hour, want 39", made)
	}
}

func TestMailsToOneAddress(t *testing.T) {
	s := simulate(t, nil)
	sent := 0
	for i := range 60 * 60 {
		address := []string{"ann@example.com", " Ann@Example.com"}[i%2]
		if s.throttle.WaitMail(context.Background(), address) == 0 {
			sent++
		}
		s.now = s.now.Add(time.Second)
	}
	if sent != 5 { // 3, and one each 20 minutes
		t.Errorf("%d mails in an hour, want 5", sent)
	}
	if s.throttle.WaitMail(context.Background(), "bob@example.com") != 0 {
		t.Error("another one waits too")
	}
}

// Users without a password have the same stamp. A browser is still known for only one of them.
func TestKnownBrowserOfUsersWithoutPasswords(t *testing.T) {
	users := auth.NewMemory()
	ann, eve := &auth.User{Name: "ann"}, &auth.User{Name: "eve"}
	for _, user := range []*auth.User{ann, eve} {
		if err := users.Create(t.Context(), user); err != nil {
			t.Fatal(err)
		}
	}
	s := simulate(t, func(throttle *Throttle) { throttle.Users, throttle.Failures = users, 3 })
	cookie := s.knownTo(eve)
	for s.guess("192.0.2.1", "ann", "", false) {
	}
	if s.guess("192.0.2.1", "ann", cookie, false) {
		t.Error("eve's browser is known for ann")
	}
	if !s.guess("192.0.2.1", "eve", cookie, false) || !s.guess("192.0.2.1", "ann", s.knownTo(ann), false) {
		t.Error("a browser is not known for its own user")
	}
}
