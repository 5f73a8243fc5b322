package sessions_test

import (
	"context"
	"fmt"

	"github.com/webapp2go/webapp2go/sessions"
)

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

// A change of password ends all sessions of the user but the one it is made in.
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
