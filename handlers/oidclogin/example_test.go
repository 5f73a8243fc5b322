package oidclogin_test

import (
	"fmt"
	"log"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/auth/oidc"
	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/handlers"
	"github.com/webapp2go/webapp2go/handlers/oidclogin"
	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/templates"
)

// A site with logins by Google. The provider must know the callback URL.
func ExampleAdd() {
	manager, err := sessions.New(sessions.Config{
		Keys:     []sessions.Key{sessions.RandomKey()},
		Sessions: []sessions.Spec{{Backend: sessions.NewMemory()}},
	})
	if err != nil {
		log.Fatal(err)
	}
	pages, err := templates.Parse(nil, nil)
	if err != nil {
		log.Fatal(err)
	}
	site := &handlers.Site{Sessions: manager, Templates: pages, Users: auth.NewMemory()}
	app := framework.New()
	app.Init, app.BaseURL = site.Init, "https://www.example.com"
	callback := oidclogin.CallbackURL(app, "google")
	google, err := oidc.New(oidc.Google("client id", "client secret", callback, manager.Derive("oidc")))
	if err != nil {
		log.Fatal(err)
	}
	oidclogin.Add(app, site, "Google", google)
	site.Routes(app)
	fmt.Println(app.Check(), callback)
	// Output: <nil> https://www.example.com/login/google/callback
}
