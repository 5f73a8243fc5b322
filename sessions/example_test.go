package sessions_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/webapp2go/webapp2go/sessions"
)

// visitor is a browser with one cookie.
type visitor struct {
	manager *sessions.Manager
	cookie  string
}

func newVisitor(specs ...sessions.Spec) *visitor {
	manager, err := sessions.New(sessions.Config{
		Keys:     []sessions.Key{sessions.RandomKey()},
		Sessions: specs,
	})
	if err != nil {
		panic(err)
	}
	return &visitor{manager: manager}
}

// request is one request, whose handler is do.
func (v *visitor) request(do func(s *sessions.Session)) error {
	w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Cookie", v.cookie)
	store := v.manager.Store(r)
	do(store.Session())
	err := store.Save(w)
	for _, c := range w.Result().Cookies() {
		v.cookie = c.Name + "=" + c.Value
	}
	return err
}

func ExampleNew() {
	manager, err := sessions.New(sessions.Config{
		Keys:     []sessions.Key{sessions.RandomKey()},
		Sessions: []sessions.Spec{{Backend: sessions.NewMemory()}},
	})
	if err != nil {
		panic(err)
	}
	handler := func(w http.ResponseWriter, r *http.Request) {
		store := manager.Store(r)
		visits := store.Session().Incr("visits", 1)
		if err := store.Save(w); err != nil {
			http.Error(w, "try again later", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintf(w, "visit %d", visits)
	}
	w := httptest.NewRecorder()
	handler(w, httptest.NewRequest(http.MethodGet, "/", nil))
	fmt.Println(w.Body, w.Result().Cookies()[0].Name)
	// Output: visit 1 __Host-session
}

func ExampleNew_mistakes() {
	_, err := sessions.New(sessions.Config{
		Keys:     []sessions.Key{sessions.RandomKey()},
		Sessions: []sessions.Spec{{Name: "cart"}, {Name: "cart", IdleTimeout: 30}},
	})
	fmt.Println(err)
	// Output:
	// sessions: Config.Sessions[1]: IdleTimeout is 30ns, less than a millisecond: multiply by the unit, as in 30*time.Minute
	// sessions: Config.Sessions[1]: has the Name "cart" of Sessions[0]: give each its own
}

func ExampleStore_Named() {
	manager, err := sessions.New(sessions.Config{
		Keys: []sessions.Key{sessions.RandomKey()},
		Sessions: []sessions.Spec{
			{Backend: sessions.NewMemory()}, // logins can be ended
			{Name: "cart"},                  // a cart needs no server
		},
	})
	if err != nil {
		panic(err)
	}
	w := httptest.NewRecorder()
	store := manager.Store(httptest.NewRequest(http.MethodGet, "/", nil))
	store.Session().SetUser("ann")
	store.Named("cart").Set("apples", 3)
	if err := store.Save(w); err != nil {
		panic(err)
	}
	for _, c := range w.Result().Cookies() {
		fmt.Println(c.Name)
	}
	// Output:
	// __Host-session
	// __Host-cart
}

func ExampleSession() {
	v := newVisitor()
	v.request(func(s *sessions.Session) {
		s.Set("name", "Ann")
		s.Set("size", 42)
		s.Set("draft", "...")
	})
	v.request(func(s *sessions.Session) {
		fmt.Printf("%v, then %v\n", s.Pop("draft"), s.Get("draft"))
		s.Delete("none")
		for key, value := range s.All() {
			fmt.Printf("%s: %T %v\n", key, value, value)
		}
	})
	// Output:
	// ..., then <nil>
	// name: string Ann
	// size: int64 42
}

func ExampleGet() {
	type item struct {
		Name  string
		Count int
	}
	v := newVisitor()
	v.request(func(s *sessions.Session) { s.Set("cart", []item{{"apple", 3}}) })
	v.request(func(s *sessions.Session) {
		cart, ok := sessions.Get[[]item](s, "cart")
		fmt.Println(cart, ok)
		_, ok = sessions.Get[int](s, "cart") // it is no int
		fmt.Println(ok)
	})
	// Output:
	// [{apple 3}] true
	// false
}

func ExampleUpdate() {
	v := newVisitor()
	for _, name := range []string{"apple", "pear"} {
		v.request(func(s *sessions.Session) {
			sessions.Update(s, "cart", func(cart []string) []string { return append(cart, name) })
		})
	}
	v.request(func(s *sessions.Session) { fmt.Println(s.Get("cart")) })
	// Output: [apple pear]
}

func ExampleSession_Incr() {
	v := newVisitor()
	for range 2 {
		v.request(func(s *sessions.Session) { fmt.Println(s.Incr("visits", 1)) })
	}
	// Output:
	// 1
	// 2
}

func ExampleSession_AddFlash() {
	v := newVisitor()
	v.request(func(s *sessions.Session) { s.AddFlash("Your order is on its way.", "info") })
	for range 2 {
		v.request(func(s *sessions.Session) {
			for _, f := range s.Flashes() {
				fmt.Printf("%s: %v\n", f.Level, f.Value)
			}
		})
	}
	// Output: info: Your order is on its way.
}

func ExampleSession_Err() {
	v := newVisitor()
	err := v.request(func(s *sessions.Session) {
		s.Set("callback", func() {})
		fmt.Println(s.Err() != nil)
	})
	var status interface{ HTTPStatus() int }
	fmt.Println(errors.As(err, &status), status.HTTPStatus())
	// Output:
	// true
	// true 500
}

func ExampleSession_Status() {
	v := newVisitor()
	v.request(func(s *sessions.Session) {
		fmt.Println(s.Status())
		s.Set("name", "Ann")
	})
	v.request(func(s *sessions.Session) { fmt.Println(s.Status()) })
	v.cookie += "x"
	v.request(func(s *sessions.Session) { fmt.Println(s.Status(), s.Get("name")) })
	// Output:
	// new
	// loaded
	// tampered <nil>
}
