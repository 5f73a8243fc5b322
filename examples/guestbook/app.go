package main

import (
	"io/fs"

	gcds "cloud.google.com/go/datastore"

	"github.com/webapp2go/webapp2go/auth"
	authdatastore "github.com/webapp2go/webapp2go/auth/datastore"
	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/handlers"
	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/sessions/datastore"
	"github.com/webapp2go/webapp2go/templates"
	"github.com/webapp2go/webapp2go/webapp2"
)

// stores keep the entries, the users and the sessions.
type stores struct {
	book     Book
	users    auth.Backend
	sessions sessions.Backend
}

func inMemory() stores {
	return stores{book: new(memory), users: auth.NewMemory(), sessions: sessions.NewMemory()}
}

// inDatastore are stores beside the entities of the webapp2 program, whose users come
// over one by one, when they are first asked for.
func inDatastore(client *gcds.Client) stores {
	users := authdatastore.Config{Kind: "Member", Webapp2: &authdatastore.Webapp2{}}
	return stores{
		book:     datastoreBook{client},
		users:    authdatastore.New(client, users),
		sessions: datastore.New(client, datastore.Config{}),
	}
}

// A config is what a program of this kind must be told.
type config struct {
	keys      []sessions.Key
	insecure  bool   // send cookies over plain http too
	oldSecret []byte // the secret_key of the webapp2 program, to take over its logins; if nil, there is none
}

// newSite makes what all handlers share.
func newSite(kept stores, c config) (*handlers.Site, error) {
	spec := sessions.Spec{Name: "guestbook", Backend: kept.sessions, Insecure: c.insecure}
	if c.oldSecret != nil {
		old, err := importLogins(c.oldSecret)
		if err != nil {
			return nil, err
		}
		spec.Import = old
	}
	manager, err := sessions.New(sessions.Config{Keys: c.keys, Sessions: []sessions.Spec{spec}})
	if err != nil {
		return nil, err
	}
	files, err := fs.Sub(pages, "pages")
	if err != nil {
		return nil, err
	}
	set, err := templates.Parse(files, nil)
	if err != nil {
		return nil, err
	}
	site := &handlers.Site{Name: "Guestbook", Sessions: manager, Templates: set, Users: kept.users}
	site.Passwords.Legacy = webapp2.PasswordHashes{}.Verify
	return site, nil
}

// newApp makes the routes.
func newApp(site *handlers.Site, book Book) *framework.App {
	app := framework.New()
	app.Init = site.Init

	page := func() *Page { return &Page{Book: book} }
	remove := func() *Remove { return &Remove{Book: book} }

	app.Handle("/", framework.To[Home](app)).Name("home")
	app.Handle("/book/{book:"+bookPattern+"}", framework.From(app, page)).Name("book")
	app.Handle("/book/{book:"+bookPattern+"}/{id:[0-9]+}/remove", framework.From(app, remove)).Name("remove")
	site.Routes(app)
	return app
}
