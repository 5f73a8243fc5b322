package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/webapp2go/webapp2go/cloud"
	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/handlers/demo"
	"github.com/webapp2go/webapp2go/templates"
	"github.com/webapp2go/webapp2go/terminal"
)

// config holds the settings of the demo. Each is a flag and a variable of the
// environment; a flag wins. Package cloud reads the variables of the session keys, which
// are never flags: those show in a list of processes.
type config struct {
	Addr             string   `placeholder:"HOST:PORT" help:"Where to listen. If not set, on all addresses at $$PORT, else on 127.0.0.1:8080."`
	Sessions         string   `env:"SESSIONS" default:"auto" enum:"auto,sql,cookie,memory,valkey,memcache,datastore,cached" help:"Where sessions are kept: ${enum}. auto is Datastore in the cloud, and sql on a laptop. sql is SQLite in the folder of --data, or PostgreSQL if --sql is set. PostgreSQL and valkey need a demo built with -tags servers. memcache may lose them; cached is memcached before Datastore."`
	Users            string   `env:"USERS" default:"auto" enum:"auto,sql,memory,datastore" help:"Where users are kept: ${enum}. auto is Datastore or sql if the sessions are there, else Datastore in the cloud and sql on a laptop."`
	Data             string   `env:"DATA" placeholder:"FOLDER" help:"The folder with the SQLite file and the key that signs cookies, or memory to keep nothing. If not set, webapp2go-demo in $$XDG_DATA_HOME, else in ~/.local/share. Not in the cloud."`
	SQL              secret   `name:"sql" env:"SQL_URL" placeholder:"URL" help:"The PostgreSQL database of sql, such as postgres://user:password@host/database."`
	Valkey           []string `env:"VALKEY" default:"127.0.0.1:6379" placeholder:"HOST:PORT" help:"The Valkey or Redis server; several are nodes of one cluster."`
	Memcached        []string `env:"MEMCACHED" default:"127.0.0.1:11211" placeholder:"HOST:PORT" help:"The memcached servers."`
	MemcachedTimeout positive `env:"MEMCACHED_TIMEOUT" default:"100ms" help:"How long a memcached server may take to respond."`
	Project          string   `env:"GOOGLE_CLOUD_PROJECT" placeholder:"ID" help:"The project of Datastore. Not needed with $$DATASTORE_EMULATOR_HOST."`
	Database         string   `env:"DATASTORE_DATABASE" placeholder:"ID" help:"The database of that project. If not set, (default)."`
	Namespace        string   `env:"DATASTORE_NAMESPACE" placeholder:"NAME" help:"The namespace in Datastore."`
	TTLPolicy        bool     `name:"ttl-policy" env:"TTL_POLICY" help:"Datastore deletes expired sessions itself, by a TTL policy on expires of Session."`
	Insecure         bool     `env:"INSECURE" default:"${laptop}" help:"Send cookies over plain http too; not possible in the cloud. Default: ${laptop}."`
	BaseURL          string   `name:"base-url" env:"BASE_URL" placeholder:"URL" help:"The site's address, for absolute links."`
	Proxies          int      `env:"PROXIES" placeholder:"N" help:"How many proxies in a row stand in front, each of which appends to X-Forwarded-For. Not needed for Google's own."`
	SignUp           string   `name:"signup" env:"SIGNUP" default:"open" enum:"open,email,closed" help:"Who can sign up: ${enum}. email sends a link first, which needs mails."`
	OIDCIssuer       string   `name:"oidc-issuer" env:"OIDC_ISSUER" placeholder:"URL" help:"Logins with this provider of OpenID Connect, such as https://accounts.google.com. The client secret is $$OIDC_CLIENT_SECRET."`
	OIDCClientID     string   `name:"oidc-client-id" env:"OIDC_CLIENT_ID" placeholder:"ID" help:"The demo's client id at the provider."`
	Admin            string   `env:"ADMIN" placeholder:"NAME" help:"The one user who may see /admin. If users are in memory, the demo makes one, with a random password that it logs."`
	Webapp2          oldSite  `embed:"" prefix:"webapp2-"`
	Log              string   `env:"LOG" default:"${log}" enum:"text,json" help:"How to log: text on stderr, or JSON for Cloud Logging on stdout."`
	LogLevel         string   `env:"LOG_LEVEL" default:"info" enum:"debug,info,warn,error" help:"The least that is logged: ${enum}."`
	RequestLog       bool     `env:"REQUEST_LOG" default:"${laptop}" help:"Log every request. Default: ${laptop}; the cloud does so itself."`
	Drain            positive `env:"DRAIN_TIMEOUT" default:"2500ms" help:"How long requests may go on after SIGTERM."`
	Watch            bool     `env:"WATCH" default:"${laptop}" help:"Show visitors the life of their session, at /session; not possible in the cloud. Default: ${laptop}, and false behind a proxy or with --insecure=false."`
	Debug            bool     `env:"DEBUG" help:"Show the source code around an error in the response."`

	platform cloud.Platform
	parser   *kong.Kong
	watch    *demo.Watch       // nil unless Watch is set
	screen   *terminal.Handler // if nil, the log is not for a person in a terminal
}

const description = `The demo of webapp2go. It needs no service, no key and no network.

The session keys are read from the secret named by $SESSION_KEYS_SECRET, from the file
$SESSION_KEYS_FILE or from $SESSION_KEYS, newest first. Each is base64 of 32 bytes, as
"openssl rand -base64 32" prints. Without any, the key is in the folder of --data. If
nothing is kept there, a random key is made at every start.`

// errHelp is returned by configure after it has printed the help.
var errHelp = errors.New("help")

// configure reads the flags and the environment. Its errors name the flag or the
// variable and how to fix it. Flags may have one dash or two.
func configure(args []string, help io.Writer) (*config, error) {
	c := &config{platform: cloud.Detect()}
	defaults := kong.Vars{"laptop": "true", "log": "text"}
	if c.platform != cloud.Elsewhere {
		defaults = kong.Vars{"laptop": "false", "log": "json"}
	}
	helped := false
	parser, err := kong.New(c, kong.Name("demo"), kong.Description(description), kong.Writers(help, io.Discard),
		kong.Exit(func(int) { helped = true }), defaults)
	if err != nil {
		return nil, err
	}
	c.parser = parser
	for _, f := range parser.Model.Flags { // an empty variable counts as not set
		for _, name := range f.Envs {
			if os.Getenv(name) == "" {
				os.Unsetenv(name)
			}
		}
	}
	long := make([]string, len(args))
	for i, arg := range args {
		if long[i] = arg; len(arg) > 2 && arg[0] == '-' && arg[1] != '-' {
			long[i] = "-" + arg
		}
	}
	_, err = parser.Parse(long)
	switch {
	case helped:
		return nil, errHelp
	case err != nil:
		return nil, c.explain(err)
	case c.Proxies < 0:
		return nil, c.explain(fmt.Errorf("--proxies is %d: it must be the number of proxies in front of the program, such as 1", c.Proxies))
	case c.Watch && c.platform != cloud.Elsewhere:
		return nil, c.explain(fmt.Errorf("--watch=true: it keeps what visitors do in memory, which is for a laptop: leave it out on %v", c.platform))
	}
	asked := os.Getenv("WATCH") != "" || slices.ContainsFunc(long, func(arg string) bool { return arg == "--watch" || strings.HasPrefix(arg, "--watch=") })
	c.Watch = c.Watch && (asked || c.Insecure && c.Proxies == 0) // otherwise this is a server that strangers visit
	c.choosePlaces()
	if err := c.placeData(); err != nil {
		return nil, c.explain(err)
	}
	return c, nil
}

// explain adds to an error about a flag the variable that set it, unless the text names it. To
// an error about an unknown argument it adds how to list the flags.
func (c *config) explain(err error) error {
	if strings.Contains(err.Error(), `"EOL"`) {
		flag, _, _ := strings.Cut(err.Error(), ":")
		return fmt.Errorf("%s has no value: write %s=VALUE", flag, flag)
	}
	for _, f := range c.parser.Model.Flags {
		if !strings.Contains(err.Error(), "--"+f.Name+" ") && !strings.Contains(err.Error(), "--"+f.Name+"=") {
			continue
		}
		for _, name := range f.Envs {
			if _, set := os.LookupEnv(name); set && !strings.Contains(err.Error(), name) {
				return fmt.Errorf("%w (from the variable %s)", err, name)
			}
		}
		return err
	}
	if strings.Contains(err.Error(), "unknown flag") || strings.Contains(err.Error(), "unexpected argument") {
		return fmt.Errorf("%w (demo --help lists the flags)", err)
	}
	return err
}

// secret is text that is not logged.
type secret string

func (s secret) String() string {
	if s == "" {
		return ""
	}
	return "(secret)"
}

// positive is a duration above zero.
type positive time.Duration

func (p *positive) UnmarshalText(text []byte) error {
	d, err := time.ParseDuration(string(text))
	if err != nil || d <= 0 {
		return fmt.Errorf("%q must be a duration above zero, such as 100ms or 3s", text)
	}
	*p = positive(d)
	return nil
}

func (p positive) String() string { return time.Duration(p).String() }

// proxy returns the kind of proxy between the clients and the program.
func (c *config) proxy() framework.Proxy {
	if c.Proxies > 0 {
		return framework.Proxies(c.Proxies)
	}
	return c.platform.Proxy()
}

// logger returns the logger that c describes.
func (c *config) logger(out, errout io.Writer) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.LogLevel)); err != nil {
		level = slog.LevelInfo // a config that configure has not made
	}
	if c.Log == "json" {
		return slog.New(cloud.NewLogHandler(out, cloud.LogOptions{Level: level, Project: c.Project}))
	}
	if terminal.Is(errout) {
		if c.screen == nil {
			c.screen = terminal.NewHandler(errout, terminal.Options{
				Name: "webapp2go demo", Level: level,
				Quiet: []string{templates.StaticPath, "/session/live", "/session/now", "/session/probe"}, // what the pages load by themselves
			})
		}
		return slog.New(c.screen)
	}
	return slog.New(slog.NewTextHandler(errout, &slog.HandlerOptions{Level: level}))
}

// tell shows a message to the person in the terminal, below the address of the demo. Without a
// terminal it logs the message with the attributes.
func (c *config) tell(log *slog.Logger, label, text, message string, attributes ...any) {
	if c.screen == nil {
		log.Info(message, attributes...)
		return
	}
	log.Debug(message, attributes...)
	c.screen.Note(label, text)
}

// kept returns a text that says where sessions and users are stored.
func (c *config) kept() string {
	names := map[string]string{"cookie": "signed cookies", "sql": "PostgreSQL", "valkey": "Valkey", "memcache": "memcached", "datastore": "Datastore", "cached": "memcached and Datastore"}
	if c.SQL == "" {
		names["sql"] = filepath.Join(c.Data, dataFile)
	}
	sessions, users := cmp.Or(names[c.Sessions], c.Sessions), cmp.Or(names[c.Users], c.Users)
	if sessions == "memory" && users == "memory" {
		return "sessions and users in memory, gone when this ends (--help lists the other places)"
	}
	if sessions == users {
		return "sessions and users in " + users
	}
	return "sessions in " + sessions + ", users in " + users
}

// LogValue lists the settings that have a value. Of the variables with keys it says which
// one is set.
func (c *config) LogValue() slog.Value {
	var list []slog.Attr
	for _, f := range c.parser.Model.Flags {
		switch value := fmt.Sprint(f.Target.Interface()); {
		case f.Name == "help" || value == "" || value == "0":
		case f.IsBool():
			list = append(list, slog.Bool(f.Name, value == strconv.FormatBool(true)))
		default:
			list = append(list, slog.String(f.Name, strings.Trim(value, "[]")))
		}
	}
	for _, name := range keyVariables {
		if os.Getenv(name) != "" {
			list = append(list, slog.String(name, "set"))
		}
	}
	return slog.GroupValue(list...)
}
