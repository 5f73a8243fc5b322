// Package architecture holds the module to its own plan: which package may import
// which, how heavy the core may be, and what the public surface is.
package architecture

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/webapp2go/webapp2go"

// allowed lists, for each package of the module, the packages of the module and the
// modules outside the standard library that it may import. A package that is not
// listed fails the test, so that adding one is a decision about its imports.
var allowed = map[string][]string{
	"framework":              {"github.com/gorilla/mux"},
	"sessions":               {"github.com/gorilla/securecookie", "github.com/fxamacker/cbor/v2"},
	"sessions/memcache":      {"sessions", "internal/circuit", "github.com/bradfitz/gomemcache"},
	"sessions/valkey":        {"sessions", "internal/circuit", "github.com/redis/go-redis/v9"},
	"sessions/datastore":     {"sessions", "internal/datastoretx", "cloud.google.com/go/datastore", "google.golang.org/grpc", "google.golang.org/api"},
	"sessions/sqlstore":      {"sessions", "sqldb", "internal/sqlretry"},
	"sessions/cached":        {"sessions"},
	"sessions/sessionstest":  {"sessions"},
	"auth":                   {"golang.org/x/crypto", "golang.org/x/net", "golang.org/x/text", "github.com/fxamacker/cbor/v2"},
	"auth/authtest":          {"auth"},
	"auth/oidc":              {"auth", "github.com/coreos/go-oidc/v3", "github.com/go-jose/go-jose/v4", "github.com/gorilla/securecookie", "golang.org/x/oauth2"},
	"auth/oidc/oidctest":     {},
	"auth/sqlstore":          {"auth", "sqldb", "internal/sqlretry"},
	"auth/datastore":         {"auth", "internal/datastoretx", "cloud.google.com/go/datastore", "google.golang.org/grpc", "google.golang.org/api"},
	"sqldb":                  {},
	"sqldb/sqlite":           {"sqldb", "modernc.org/sqlite"},
	"sqldb/postgres":         {"sqldb", "github.com/jackc/pgx/v5"},
	"mail":                   {},
	"mail/smtp":              {"mail", "github.com/wneessen/go-mail"},
	"templates":              {},
	"webapp2/ndb":            {"cloud.google.com/go/datastore", "google.golang.org/grpc", "google.golang.org/api", "google.golang.org/protobuf"},
	"i18n":                   {"templates", "github.com/leonelquinteros/gotext", "github.com/go-playground/locales", "golang.org/x/text"},
	"i18n/builtin":           {},
	"i18n/extract":           {},
	"cmd/webapp2go-messages": {"i18n/extract"},
	"handlers":               {"framework", "sessions", "auth", "templates", "mail", "github.com/gorilla/securecookie"},
	"cloud":                  {"framework", "sessions", "auth"},
	"webapp2":                {"framework", "sessions", "auth", "golang.org/x/crypto"},
	"health":                 {"framework"},
	"handlers/oidclogin":     {"framework", "sessions", "auth", "auth/oidc", "handlers", "templates"},
	"handlers/demo":          {"framework", "sessions", "auth", "templates", "handlers", "mail"},
	"terminal":               {"github.com/mattn/go-isatty"},
	"cmd/demo":               {"*"},
	"cmd/webapp2go":          {},
	"cmd/webapp2go/app":      {"framework", "sessions", "sessions/datastore", "auth", "auth/datastore", "handlers", "templates", "cloud", "terminal"},
	"examples/accounts":      {"framework", "sessions", "handlers", "auth", "templates", "mail"},
	"examples/counter":       {"framework", "sessions", "handlers", "auth", "templates", "terminal"},
	"examples/hello":         {"framework"},
	"examples/guestbook":     {"*"},
	"internal/alloctest":     {},
	"internal/architecture":  {},
	"internal/datastoretest": {"cloud.google.com/go/datastore", "google.golang.org/grpc", "google.golang.org/protobuf", "google.golang.org/api"},
	"internal/circuit":       {},
	"internal/memcachetest":  {"internal/proctest"},
	"internal/stores":        {},
	"internal/redistest":     {"internal/proctest"},
	"internal/postgrestest":  {"internal/proctest"},
	"internal/proctest":      {},
	"internal/datastoretx":   {"cloud.google.com/go/datastore", "google.golang.org/grpc"},
	"internal/sqlretry":      {},
	"internal/vectors":       {"*"},
}

type listed struct {
	ImportPath string
	Imports    []string
	Standard   bool
}

// list runs go list and decodes what it prints.
func list(t *testing.T, arguments ...string) []listed {
	t.Helper()
	command := exec.Command("go", append([]string{"list", "-json=ImportPath,Imports,Standard"}, arguments...)...)
	command.Dir = "../.."
	output, err := command.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("%v: %s", err, exit.Stderr)
		}
		t.Fatal(err)
	}
	var packages []listed
	for decoder := json.NewDecoder(strings.NewReader(string(output))); ; {
		var p listed
		if err := decoder.Decode(&p); err == io.EOF {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}

func TestImportsPointDown(t *testing.T) {
	for _, p := range list(t, "./...") {
		name := strings.TrimPrefix(p.ImportPath, module+"/")
		rules, known := allowed[name]
		if !known {
			t.Errorf("%s: a new package; say in this test what it may import", name)
			continue
		}
		for _, imported := range p.Imports {
			if !permitted(rules, imported) {
				t.Errorf("%s must not import %s", name, imported)
			}
		}
	}
}

// permitted reports whether the rules of a package let it import another: the standard
// library always, the rest by name or by the name of its module.
func permitted(rules []string, imported string) bool {
	first, _, _ := strings.Cut(imported, "/")
	if !strings.Contains(first, ".") || slices.Contains(rules, "*") {
		return true
	}
	inside, ours := strings.CutPrefix(imported, module+"/")
	return slices.ContainsFunc(rules, func(rule string) bool {
		if ours {
			return inside == rule
		}
		return imported == rule || strings.HasPrefix(imported, rule+"/")
	})
}

// A program must not pay for the clients and drivers of services that it does not import.
func TestPackagesAreLight(t *testing.T) {
	const (
		google   = "cloud.google.com/ google.golang.org/"
		sqlite   = "modernc.org/"
		postgres = "github.com/jackc/"
		valkey   = "github.com/redis/"
		oidc     = "github.com/coreos/ github.com/go-jose/ golang.org/x/oauth2"
	)
	for packages, heavy := range map[string]string{
		"./framework ./sessions ./cloud ./health":                 "html/template text/template database/sql github.com/bradfitz/ " + google + " " + sqlite + " " + postgres + " " + valkey,
		"./framework ./sessions ./sessions/memcache ./handlers":   "database/sql " + google + " " + sqlite + " " + postgres + " " + valkey + " " + oidc,
		"./sessions/sqlstore ./auth/sqlstore ./sqldb":             google + " " + sqlite + " " + postgres + " " + valkey,
		"./sessions/sqlstore ./auth/sqlstore ./sqldb/sqlite":      google + " " + postgres + " " + valkey,
		"./sessions/sqlstore ./auth/sqlstore ./sqldb/postgres":    google + " " + sqlite + " " + valkey,
		"./sessions/datastore ./sessions/cached ./auth/datastore": sqlite + " " + postgres,
	} {
		for _, p := range list(t, append([]string{"-deps"}, strings.Fields(packages)...)...) {
			for _, path := range strings.Fields(heavy) {
				if strings.HasPrefix(p.ImportPath, path) {
					t.Errorf("%s link %s", packages, p.ImportPath)
				}
			}
		}
	}
}

// A program that translates nothing must not pay for catalogues and locales.
func TestTranslationIsOptional(t *testing.T) {
	for _, p := range list(t, "-deps", "./framework", "./sessions", "./auth", "./templates", "./handlers", "./webapp2", "./cloud", "./health", "./examples/...") {
		for _, heavy := range []string{module + "/i18n", "github.com/leonelquinteros/gotext", "github.com/go-playground/locales"} {
			if strings.HasPrefix(p.ImportPath, heavy) {
				t.Errorf("a package other than i18n links %s", p.ImportPath)
			}
		}
	}
}
