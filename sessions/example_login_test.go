package sessions_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"slices"
	"time"

	"github.com/webapp2go/webapp2go/sessions"
)

// A login gives the session a new id and keeps the session's values.
func ExampleSession_LogIn() {
	v := newVisitor(sessions.Spec{Backend: sessions.NewMemory()})
	v.request(func(s *sessions.Session) { s.Set("language", "de") })
	before := v.cookie
	v.request(func(s *sessions.Session) {
		s.LogIn("ann", sessions.Login{Method: "password", Remembered: true})
	})
	v.request(func(s *sessions.Session) {
		login, ok := s.Login()
		fmt.Println(s.User(), s.Get("language"), ok, login.Method, login.Remembered, v.cookie != before)
	})
	// Output: ann de true password true true
}

// A double click on "Log in": the browser drops the first response, so the second request
// sends the old cookie. Both log in.
func ExampleSession_LogIn_twice() {
	v := newVisitor(sessions.Spec{Backend: sessions.NewMemory()})
	v.request(func(s *sessions.Session) { s.Set("language", "de") })
	thrownAway := &visitor{v.manager, v.cookie}
	logIn := func(s *sessions.Session) { s.LogIn("ann", sessions.Login{}) }
	thrownAway.request(logIn)
	v.request(logIn)
	v.request(func(s *sessions.Session) { fmt.Println(s.User(), s.Status()) })
	// Output: ann loaded
}

// Any program on net/http can use sessions: the Middleware saves them.
func ExampleManager_Middleware() {
	manager, err := sessions.New(sessions.Config{
		Keys:     []sessions.Key{sessions.RandomKey()},
		Sessions: []sessions.Spec{{Backend: sessions.NewMemory()}},
	})
	if err != nil {
		panic(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "visit %d", manager.Store(r).Session().Incr("visits", 1))
	})
	server := httptest.NewTLSServer(manager.Middleware(mux))
	defer server.Close()

	browser := server.Client()
	browser.Jar, _ = cookiejar.New(nil)
	for range 2 {
		response, err := browser.Get(server.URL)
		if err != nil {
			panic(err)
		}
		text, _ := io.ReadAll(response.Body)
		response.Body.Close()
		fmt.Println(string(text))
	}
	// Output:
	// visit 1
	// visit 2
}

// A Store in a larger value, such as a handler, needs no allocation of its own.
func ExampleManager_StoreIn() {
	manager, err := sessions.New(sessions.Config{Keys: []sessions.Key{sessions.RandomKey()}})
	if err != nil {
		panic(err)
	}
	var handler struct {
		request *http.Request
		store   sessions.Store
	}
	handler.request = httptest.NewRequest("GET", "/", nil)
	store := manager.StoreIn(&handler.store, handler.request)
	fmt.Println(store == &handler.store, store.Session().Status())
	// Output: true new
}

func ExampleFlashAs() {
	type receipt struct {
		Order int
		Items []string
	}
	v := newVisitor(sessions.Spec{})
	v.request(func(s *sessions.Session) { s.AddFlash(receipt{7, []string{"tea"}}, "info") })
	v.request(func(s *sessions.Session) {
		for _, flash := range s.Flashes() {
			paid, ok := sessions.FlashAs[receipt](flash)
			fmt.Println(paid.Order, paid.Items, ok)
		}
	})
	// Output: 7 [tea] true
}

func ExampleSession_SetUser() {
	v := newVisitor(sessions.Spec{Backend: sessions.NewMemory()})
	v.request(func(s *sessions.Session) { s.Set("language", "de") })
	before := v.cookie
	v.request(func(s *sessions.Session) { s.SetUser("ann") }) // the login: a new id
	v.request(func(s *sessions.Session) { fmt.Println(s.User(), s.Get("language"), v.cookie != before) })
	// Output: ann de true
}

func ExampleSession_Renew() {
	v := newVisitor(sessions.Spec{Backend: sessions.NewMemory()})
	v.request(func(s *sessions.Session) { s.Set("name", "Ann") })
	stolen := &visitor{v.manager, v.cookie}
	v.request(func(s *sessions.Session) { s.Renew() })
	v.request(func(s *sessions.Session) { fmt.Println(s.Get("name")) })
	stolen.request(func(s *sessions.Session) { fmt.Println(s.Get("name"), s.Status()) })
	// Output:
	// Ann
	// <nil> gone
}

func ExampleSession_Destroy() {
	v := newVisitor(sessions.Spec{Backend: sessions.NewMemory()})
	v.request(func(s *sessions.Session) { s.SetUser("ann") })
	kept := &visitor{v.manager, v.cookie}
	v.request(func(s *sessions.Session) { s.Destroy() })
	fmt.Println(v.cookie)
	kept.request(func(s *sessions.Session) { fmt.Printf("%q %v\n", s.User(), s.Status()) })
	// Output:
	// __Host-session=
	// "" gone
}

// A change of password ends all sessions of the user except the one in which it is made.
func ExampleManager_EndUser() {
	ctx := context.Background()
	laptop := newVisitor(sessions.Spec{Backend: sessions.NewMemory()})
	phone := &visitor{manager: laptop.manager}
	for _, v := range []*visitor{laptop, phone} {
		v.request(func(s *sessions.Session) { s.SetUser("ann") })
	}
	list, err := laptop.manager.UserSessions(ctx, "", "ann")
	fmt.Println(len(list), err)
	laptop.request(func(s *sessions.Session) {
		fmt.Println(laptop.manager.EndUser(ctx, "", "ann", s.ID()))
	})
	phone.request(func(s *sessions.Session) { fmt.Printf("phone %q\n", s.User()) })
	laptop.request(func(s *sessions.Session) { fmt.Printf("laptop %q\n", s.User()) })
	// Output:
	// 2 <nil>
	// <nil>
	// phone ""
	// laptop "ann"
}

func ExampleManager_EndSession() {
	ctx := context.Background()
	v := newVisitor(sessions.Spec{Backend: sessions.NewMemory()})
	v.request(func(s *sessions.Session) { s.SetUser("ann") })
	list, err := v.manager.UserSessions(ctx, "", "ann")
	if err != nil {
		panic(err)
	}
	fmt.Println(v.manager.EndSession(ctx, "", "bob", list[0].ID))
	fmt.Println(v.manager.EndSession(ctx, "", "ann", list[0].ID))
	// Output:
	// sessions: not found
	// <nil>
}

// A list of a user's sessions, for a page "where you are logged in".
func ExampleManager_UserSessions() {
	manager, err := sessions.New(sessions.Config{
		Keys:     []sessions.Key{sessions.RandomKey()},
		Sessions: []sessions.Spec{{Backend: sessions.NewMemory()}},
	})
	if err != nil {
		panic(err)
	}
	for _, agent := range []string{"a phone", "a laptop"} {
		v := &visitor{manager: manager}
		v.request(func(s *sessions.Session) { s.LogIn("ann", sessions.Login{Agent: agent}) })
	}
	list, err := manager.UserSessions(context.Background(), "", "ann")
	if err != nil {
		panic(err)
	}
	var agents []string
	for _, info := range list {
		agents = append(agents, info.Login.Agent)
	}
	slices.Sort(agents)
	fmt.Println(agents)
	// Output: [a laptop a phone]
}

// A page that deletes an account asks for a recent login.
func ExampleSession_LoggedInWithin() {
	clock := time.Now()
	manager, err := sessions.New(sessions.Config{
		Keys:     []sessions.Key{sessions.RandomKey()},
		Sessions: []sessions.Spec{{Backend: sessions.NewMemory()}},
		Now:      func() time.Time { return clock },
	})
	if err != nil {
		panic(err)
	}
	v := &visitor{manager: manager}
	v.request(func(s *sessions.Session) { s.LogIn("ann", sessions.Login{Method: "password"}) })
	for range 2 {
		v.request(func(s *sessions.Session) { fmt.Println(s.User(), s.LoggedInWithin(15*time.Minute)) })
		clock = clock.Add(20 * time.Minute)
	}
	// Output:
	// ann true
	// ann false
}
