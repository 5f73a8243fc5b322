// Accounts is a site with accounts by mail address: sign-up by a link, login that can be
// remembered, forgotten passwords, and a profile. Its pages are in the folder pages, the
// others are built in. On a laptop its mails are printed:
//
//	go run ./examples/accounts
package main

import (
	"cmp"
	"context"
	"embed"
	"fmt"
	"io/fs"
	"log"
	"os"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/handlers"
	"github.com/webapp2go/webapp2go/mail"
	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/templates"
)

//go:embed pages mails
var files embed.FS

// Home is for everybody.
type Home struct{ handlers.BaseHandler }

// Get shows the members who have a profile.
func (h *Home) Get() error {
	members, _, err := h.Site.Users.List(h.Context(), "", "", 20)
	if err != nil {
		return err
	}
	var profiles []Profile
	for _, member := range members {
		if about, _ := auth.Get[string](member, "about"); about != "" {
			profiles = append(profiles, Profile{member.Name, about})
		}
	}
	return h.Render("home", profiles)
}

// Profile is what the pages show of a member.
type Profile struct{ Name, About string }

// ProfilePage is for users with a verified address. Others are led to their account.
type ProfilePage struct{ handlers.VerifiedHandler }

// Get shows the form.
func (h *ProfilePage) Get() error {
	user, err := h.User()
	if err != nil {
		return err
	}
	about, _ := auth.Get[string](user, "about")
	return h.Render("profile", Profile{user.Name, about})
}

// Post keeps the text as a property of the user.
func (h *ProfilePage) Post() error {
	if err := h.ParseFields(4 << 10); err != nil {
		return err
	}
	user, err := h.User()
	if err != nil {
		return err
	}
	about := h.Request.PostForm.Get("about")
	if err := h.UpdateUser(user, func(u *auth.User) error { return u.Set("about", about) }); err != nil {
		return err
	}
	h.Flash("Your profile has been saved.", "success")
	return h.RedirectTo("profile")
}

// newApp makes the site, which is reached at baseURL and sends its mails with sender.
func newApp(baseURL string, sender mail.Sender) (*framework.App, error) {
	manager, err := sessions.New(sessions.Config{
		Keys:     []sessions.Key{sessions.RandomKey()},
		Sessions: []sessions.Spec{{Backend: sessions.NewMemory(), Insecure: true}}, // plain http, on a laptop
	})
	if err != nil {
		return nil, err
	}
	pages, err := fs.Sub(files, "pages")
	if err != nil {
		return nil, err
	}
	set, err := templates.Parse(pages, nil)
	if err != nil {
		return nil, err
	}
	texts, err := fs.Sub(files, "mails")
	if err != nil {
		return nil, err
	}
	site := &handlers.Site{
		Name: "Members", Sessions: manager, Templates: set, Users: auth.NewMemory(),
		SignUp: handlers.SignUpByEmail, Mail: sender, MailTexts: texts,
	}
	app := framework.New()
	app.Init, app.BaseURL = site.Init, baseURL
	app.Handle("/", framework.To[Home](app)).Name("home")
	app.Handle("/profile", framework.To[ProfilePage](app)).Name("profile")
	site.Routes(app)
	return app, nil
}

func main() {
	terminal := mail.SenderFunc(func(_ context.Context, m mail.Message) error {
		_, err := fmt.Fprintf(os.Stderr, "\nTo: %s\nSubject: %s\n\n%s\n", m.To, m.Subject, m.Text)
		return err
	})
	app, err := newApp("http://localhost:"+cmp.Or(os.Getenv("PORT"), "8080"), terminal)
	if err != nil {
		log.Fatal(err)
	}
	if err := framework.Serve(context.Background(), app); err != nil {
		log.Fatal(err)
	}
}
