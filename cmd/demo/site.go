package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"sync/atomic"

	"github.com/go-playground/locales/de"
	"github.com/go-playground/locales/en"
	"github.com/go-playground/locales/fr"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/auth/oidc"
	"github.com/webapp2go/webapp2go/cloud"
	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/handlers"
	"github.com/webapp2go/webapp2go/handlers/demo"
	"github.com/webapp2go/webapp2go/handlers/oidclogin"
	"github.com/webapp2go/webapp2go/health"
	"github.com/webapp2go/webapp2go/i18n"
	"github.com/webapp2go/webapp2go/i18n/builtin"
	"github.com/webapp2go/webapp2go/mail"
	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/templates"
)

// newApp makes the app that c describes, on its services.
func newApp(ctx context.Context, c *config, keys []sessions.Key, services *services, log *slog.Logger) (*framework.App, error) {
	old, err := c.Webapp2.load(services.users, c.ownUsers())
	if err != nil {
		return nil, err
	}
	events := new(demo.Events)
	config := sessions.Config{
		Keys:     keys,
		Sessions: demo.Sessions(services.sessions, c.Insecure, old),
		Site:     "webapp2go demo",
		Log:      log,
		OnEvent:  events.Count,
	}
	var manager *sessions.Manager
	if c.Watch {
		if c.watch, err = demo.NewWatch(config); err == nil {
			manager = c.watch.Manager()
		}
	} else {
		manager, err = sessions.New(config)
	}
	if err != nil {
		return nil, err
	}
	languages, err := i18n.New(i18n.Config{
		FS: demo.Catalogs(), Libraries: []fs.FS{builtin.Messages}, Default: "en",
		Formats: []i18n.Format{en.New(), de.New(), fr.New()},
	})
	if err != nil {
		return nil, err
	}
	pages, err := templates.ParseIn(languages, demo.Pages(), nil)
	if err != nil {
		return nil, err
	}
	site := &handlers.Site{Name: "webapp2go", Sessions: manager, Templates: pages, Users: services.users}
	switch c.SignUp {
	case "email":
		site.SignUp = handlers.SignUpByEmail
	case "closed":
		site.SignUp = handlers.SignUpClosed
	}
	if c.platform == cloud.Elsewhere && c.Insecure {
		site.Mail = new(mail.Outbox) // which /outbox shows to everybody: for a laptop
	}
	site.Throttle.Counter = services.counter
	users := &administered{Backend: services.users, find: func(ctx context.Context) (string, error) {
		return findAdmin(ctx, c, services.users, &site.Passwords, log)
	}}
	if err := users.findAdmin(ctx); err != nil && !unavailable(err) {
		return nil, err
	}
	site.Users = users
	app := demo.New(site, events)
	if c.watch != nil {
		c.watch.Routes(app)
	}
	app.Debug, app.Log, app.BaseURL, app.TrustedProxy = c.Debug, log, c.baseURL(), c.proxy()
	if c.OIDCIssuer != "" {
		config := oidc.Google(c.OIDCClientID, auth.Secret(os.Getenv("OIDC_CLIENT_SECRET")), oidclogin.CallbackURL(app, "elsewhere"), manager.Derive("oidc"))
		config.Name, config.Issuer, config.Insecure = "elsewhere", c.OIDCIssuer, c.Insecure
		provider, err := oidc.New(config)
		if err != nil {
			return nil, fmt.Errorf("--oidc-issuer=%s: %w", c.OIDCIssuer, err)
		}
		oidclogin.Add(app, site, "your account elsewhere", provider)
	}
	if c.RequestLog {
		app.RequestLog = log
	}
	app.Handle("/health", &health.Handler{Probes: services.probes, Log: log})
	if proxy := app.TrustedProxy; proxy == framework.AppEngine || proxy == framework.NoProxy { // elsewhere nobody could call it
		app.Handle("/cron/sessions", framework.From(app, func() *cleaning {
			return &cleaning{services: services, log: log}
		}))
	}
	if err := c.platform.Check(app, services.sessions, services.users); err != nil {
		return nil, fmt.Errorf("%w (the settings are DEBUG, SESSIONS and USERS)", err)
	}
	return app, nil
}

// findAdmin returns the ID of the user who may see /admin, or "" if none may. The setting
// names the user.
// If the users are the demo's own, findAdmin makes one at the first start, and logs the
// password once.
func findAdmin(ctx context.Context, c *config, users auth.Backend, passwords *auth.Passwords, log *slog.Logger) (id string, err error) {
	name := c.Admin
	if name == "" && c.ownUsers() {
		name = demo.RoleAdmin
	}
	if name == "" {
		c.tell(log, "log in", "sign up first", "no user may see /admin; --admin names one")
		return "", nil
	}
	made := false
	user, err := users.ByLogin(ctx, name)
	if errors.Is(err, auth.ErrNotFound) {
		if !c.ownUsers() {
			log.Warn("no user may see /admin: the user that --admin names has not signed up; sign up and start again", "name", name)
			return "", nil
		}
		made = true
		password := rand.Text()[:16]
		user = &auth.User{Name: name}
		if err = passwords.SignUp(ctx, users, user, password); err == nil {
			once := "made now, and shown only this once"
			if c.Users == "memory" {
				once = "made for this run"
			}
			c.tell(log, "log in as", name+"  "+password+"   ("+once+"; or sign up)", "made a user for /admin", "name", name, "password", password)
		}
	}
	if err != nil {
		return "", fmt.Errorf("--admin=%s: %w", name, err)
	}
	if c.Users == "sql" && c.ownUsers() && !made {
		c.tell(log, "log in as", user.Name+", with the password of the first start, or sign up", "the users of earlier starts are there")
	}
	c.tell(log, "/admin", "for "+user.Name+" only", "one user may see /admin", "name", user.Name, "user", user.ID)
	return user.ID, nil
}

// ownUsers reports whether the users are in memory or in the demo's own file, which no
// other program fills.
func (c *config) ownUsers() bool {
	return c.Users == "memory" || c.Users == "sql" && c.SQL == ""
}

// baseURL returns the site's address. On a laptop, if it is not set, it is the address on which
// the server listens.
func (c *config) baseURL() string {
	if c.BaseURL != "" || c.platform != cloud.Elsewhere {
		return c.BaseURL
	}
	host, port, err := net.SplitHostPort(cmp.Or(c.Addr, ":"+cmp.Or(os.Getenv("PORT"), "8080")))
	if err != nil {
		return "http://localhost:8080" // the server refuses the address
	}
	if host == "" || host == "127.0.0.1" || host == "::1" {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port)
}

// administered wraps users so that exactly one has the role of /admin, whatever roles are
// kept. A user who was named by --admin before does not have it any more.
type administered struct {
	auth.Backend
	find  func(ctx context.Context) (id string, err error) // the user that --admin names
	admin atomic.Pointer[string]                           // the ID, "" if there is none; nil until it was found
}

// findAdmin finds the user once. It returns an error if the users cannot be read.
func (a *administered) findAdmin(ctx context.Context) error {
	if a.admin.Load() != nil {
		return nil
	}
	id, err := a.find(ctx)
	if err == nil {
		a.admin.CompareAndSwap(nil, &id)
	}
	return err
}

// ByID returns a user with the role, or without.
func (a *administered) ByID(ctx context.Context, id string) (*auth.User, error) {
	user, err := a.Backend.ByID(ctx, id)
	return a.withRole(ctx, user, err)
}

// ByKey returns a user with the role, or without.
func (a *administered) ByKey(ctx context.Context, key auth.Key) (*auth.User, error) {
	user, err := a.Backend.ByKey(ctx, key)
	return a.withRole(ctx, user, err)
}

// ByLogin returns a user with the role, or without.
func (a *administered) ByLogin(ctx context.Context, name string) (*auth.User, error) {
	user, err := a.Backend.ByLogin(ctx, name)
	return a.withRole(ctx, user, err)
}

func (a *administered) withRole(ctx context.Context, user *auth.User, err error) (*auth.User, error) {
	if err != nil {
		return nil, err
	}
	if err := a.findAdmin(ctx); err != nil { // at the start the users could not be read
		return nil, err
	}
	var roles []string
	for _, role := range user.Roles {
		if role != demo.RoleAdmin {
			roles = append(roles, role)
		}
	}
	if user.ID == *a.admin.Load() {
		roles = append(roles, demo.RoleAdmin)
	}
	user.Roles = roles
	return user, nil
}
