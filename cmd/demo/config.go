package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/webapp2go/webapp2go/framework"
)

// config is every choice of the demo. Each is a flag, a variable of the environment,
// or both, and then the flag wins. Secrets are never flags: those show in a list of
// processes.
type config struct {
	addr      string
	debug     bool
	baseURL   string
	insecure  toggle
	sessions  string
	users     string
	memcached string
	patience  time.Duration // with memcached
	project   string
	namespace string
	ttlPolicy bool
	admin     string
	keys      string // secret
	keyFile   string
	keySecret string
	vault     vault
	log       string
	logLevel  slog.Level
	requests  toggle
	drain     time.Duration
	webapp2   webapp2
	cloud     string // the variable that says that this is Google's cloud; empty: it is not
	proxies   proxies
	proxy     framework.Proxy
}

var (
	sessionKinds = []string{"cookie", "memory", "memcache", "datastore", "cached"}
	userKinds    = []string{"memory", "datastore"}
)

// options are the choices, in the order in which -h lists them.
func (c *config) options() []option {
	return []option{
		{"addr", "", (*text)(&c.addr), "host:port",
			"where to listen; else on all addresses at $PORT, else 127.0.0.1:8080"},
		{"sessions", "SESSIONS", (*text)(&c.sessions), strings.Join(sessionKinds, "|"),
			"where logins are kept; memory if nothing is said, in the cloud Datastore. memcache may\nlose them, cached is memcached before Datastore"},
		{"users", "USERS", (*text)(&c.users), strings.Join(userKinds, "|"),
			"where users are kept; Datastore where the sessions are there or in the cloud, else\nmemory, if nothing is said"},
		{"memcached", "MEMCACHED", (*text)(&c.memcached), "host:port,...",
			"the memcached servers; 127.0.0.1:11211 if nothing is said"},
		{"memcached-timeout", "MEMCACHED_TIMEOUT", (*duration)(&c.patience), "100ms",
			"how long a memcached server may take to answer; 100ms if nothing is said"},
		{"project", "GOOGLE_CLOUD_PROJECT", (*text)(&c.project), "id",
			"the project of Datastore; not needed with $DATASTORE_EMULATOR_HOST"},
		{"namespace", "DATASTORE_NAMESPACE", (*text)(&c.namespace), "name",
			"the namespace in Datastore; the default one if nothing is said"},
		{"ttl-policy", "TTL_POLICY", (*boolean)(&c.ttlPolicy), "true|false",
			"Datastore deletes expired sessions itself, by a TTL policy on expires of Session"},
		{"key-secret", "SESSION_KEYS_SECRET", (*text)(&c.keySecret), "name",
			"the secret of Secret Manager that holds the keys, as in $SESSION_KEYS or one a line: a\nname in the project, or projects/ID/secrets/NAME/versions/latest"},
		{"secret-manager", "SECRET_MANAGER", (*text)(&c.vault.manager), "https://...",
			"where Secret Manager is; https://secretmanager.googleapis.com if nothing is said"},
		{"key-file", "SESSION_KEYS_FILE", (*text)(&c.keyFile), "path",
			"a file with the keys, as in $SESSION_KEYS or one a line"},
		{"", "SESSION_KEYS", (*text)(&c.keys), "key,...",
			"the keys that sign sessions, newest first: each base64 of 32 bytes or more, such as\n`openssl rand -base64 32` prints, or two of them with a colon between, the second one\nof 16, 24 or 32 bytes to encrypt with. Without any, one is made at every start"},
		{"insecure", "INSECURE", &c.insecure, "true|false",
			"let cookies travel over plain http; true if nothing is said, but false in the cloud"},
		{"base-url", "BASE_URL", (*text)(&c.baseURL), "https://...",
			"the site's address, for absolute links"},
		{"proxies", "PROXIES", &c.proxies, "n",
			"how many proxies in a row stand in front, each of which appends to X-Forwarded-For; in\nGoogle's cloud its own front end, else none, if nothing is said"},
		{"admin", "ADMIN", (*text)(&c.admin), "name",
			"who may see /admin, and nobody else; users in memory get one of this\nname, or \"admin\", with a random password that is logged once"},
		{"webapp2-secret-file", "WEBAPP2_SECRET_FILE", (*text)(&c.webapp2.secretFile), "path",
			"a file with the secret_key of a webapp2 application, whose users stay logged in"},
		{"webapp2-cookie", "WEBAPP2_COOKIE", (*text)(&c.webapp2.cookie), "name",
			"the name of that application's cookie; auth if nothing is said"},
		{"log", "LOG", (*text)(&c.log), strings.Join(logKinds, "|"),
			"how to log: lines of text on stderr, or JSON for Cloud Logging on stdout; text if\nnothing is said, in the cloud json"},
		{"log-level", "LOG_LEVEL", &level{&c.logLevel}, "debug|info|warn|error",
			"the least that is logged; info if nothing is said"},
		{"request-log", "REQUEST_LOG", &c.requests, "true|false",
			"log every request; true if nothing is said, but false in the cloud, which does it too"},
		{"drain", "DRAIN_TIMEOUT", (*duration)(&c.drain), "3s",
			"how long requests may go on after SIGTERM; 3s if nothing is said"},
		{"debug", "DEBUG", (*boolean)(&c.debug), "true|false",
			"show errors with their stack to whoever meets them"},
	}
}

// errHelp is returned by configure after it has printed the help.
var errHelp = errors.New("help")

// configure reads the flags over the environment, and refuses what cannot be.
func configure(args []string, getenv func(string) string, help io.Writer) (*config, error) {
	c := new(config)
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	for _, o := range c.options() {
		if o.flag != "" {
			flags.Var(o.value, o.flag, o.usage)
		}
		if set := getenv(o.variable); o.variable != "" && set != "" {
			if err := o.value.Set(set); err != nil {
				return nil, fmt.Errorf("%s: %w", o.variable, err)
			}
		}
	}
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		c.help(help)
		return nil, errHelp
	case err != nil:
		return nil, fmt.Errorf("%w (demo -h lists the flags)", err)
	case flags.NArg() > 0:
		return nil, fmt.Errorf("%q is no flag (demo -h lists them)", flags.Arg(0))
	}
	c.vault.metadata = getenv("GCE_METADATA_HOST")
	switch {
	case getenv("GAE_ENV") != "":
		c.cloud, c.proxy = "GAE_ENV", framework.AppEngine
	case getenv("K_SERVICE") != "":
		c.cloud, c.proxy = "K_SERVICE", framework.CloudRun
	}
	if c.proxies > 0 {
		c.proxy = framework.Proxies(int(c.proxies))
	}
	return c, c.check()
}

// check fills in what was not said and reports the mistakes that no package would.
func (c *config) check() error {
	if c.sessions == "" {
		c.sessions = "memory"
		if c.cloud != "" {
			c.sessions = "datastore"
		}
	}
	if c.users == "" {
		c.users = "memory"
		if c.sessions == "datastore" || c.sessions == "cached" || c.cloud != "" {
			c.users = "datastore"
		}
	}
	if c.memcached == "" {
		c.memcached = "127.0.0.1:11211"
	}
	if c.webapp2.cookie == "" {
		c.webapp2.cookie = "auth"
	}
	if c.log == "" {
		c.log = "text"
		if c.cloud != "" {
			c.log = "json"
		}
	}
	if c.drain == 0 {
		c.drain = 3 * time.Second
	}
	for _, t := range []*toggle{&c.insecure, &c.requests} {
		if !t.set {
			t.on = c.cloud == ""
		}
	}
	if !slices.Contains(sessionKinds, c.sessions) {
		return fmt.Errorf("-sessions %q: it must be one of %s", c.sessions, strings.Join(sessionKinds, ", "))
	}
	if !slices.Contains(userKinds, c.users) {
		return fmt.Errorf("-users %q: it must be one of %s", c.users, strings.Join(userKinds, ", "))
	}
	if !slices.Contains(logKinds, c.log) {
		return fmt.Errorf("-log %q: it must be one of %s", c.log, strings.Join(logKinds, ", "))
	}
	var places []string
	for name, set := range map[string]string{"SESSION_KEYS": c.keys, "SESSION_KEYS_FILE": c.keyFile, "SESSION_KEYS_SECRET": c.keySecret} {
		if set != "" {
			places = append(places, name)
		}
	}
	if len(places) > 1 {
		slices.Sort(places)
		return fmt.Errorf("%s are set together: which of them holds the keys?", strings.Join(places, " and "))
	}
	return c.refuse()
}

// refuse reports what would do on a laptop and must not be in the cloud, all of it.
func (c *config) refuse() error {
	if c.cloud == "" {
		return nil
	}
	var reasons []string
	if c.keys == "" && c.keyFile == "" && c.keySecret == "" {
		reasons = append(reasons, "a random key would log everybody out at every start (set SESSION_KEYS_SECRET, SESSION_KEYS_FILE or SESSION_KEYS)")
	}
	if c.sessions == "memory" {
		reasons = append(reasons, "sessions in memory would be lost and not shared (set SESSIONS=datastore)")
	}
	if c.users == "memory" {
		reasons = append(reasons, "users in memory would be lost and not shared (set USERS=datastore)")
	}
	if c.insecure.on {
		reasons = append(reasons, "cookies would travel over plain http (unset INSECURE)")
	}
	if c.debug {
		reasons = append(reasons, "everybody would see the stack of an error (unset DEBUG)")
	}
	if reasons == nil {
		return nil
	}
	return fmt.Errorf("not started, because %s is set: %s", c.cloud, strings.Join(reasons, "; "))
}
