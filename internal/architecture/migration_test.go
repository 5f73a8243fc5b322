package architecture

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// features are the names by which applications use webapp2, its extras and App Engine.
var features = map[string]string{
	"migrating.md": `
		WSGIApplication debug config= app.config app.registry error_handlers allowed_methods app.run get_response router.add
		get_app get_request active_instance handle_exception request_class RequestContext load_config import_string cached_property local
		Route SimpleRoute RedirectRoute PathPrefixRoute NamePrefixRoute HandlerPrefixRoute DomainRoute strict_slash redirect_to= defaults methods
		schemes build_only handler_method set_matcher lazy request.route .route_args
		uri_for _full _scheme _netloc _fragment
		RequestHandler initialize dispatch abort error( redirect( redirect_to( RedirectHandler @login_required
		request.get get_all allow_multiple arguments get_range request.params .GET .POST request.body body_file json.loads uri path host scheme
		cookies headers method referer remote_addr environ Request.blank
		response.write out.write set_status clear() set_cookie delete_cookie content_type charset cache_control last_modified md5_etag app_iter has_error
		secret_key cookie_name session_max_age cookie_args backends get_store get_session save_sessions SessionDict get_flashes add_flash get_secure_cookie
		SecureCookieSerializer
		user_model get_auth get_user_by_password get_user_by_session remember set_session unset_session create_user unique_properties add_auth_id
		get_by_auth_id get_by_auth_password get_id create_signup_token validate_signup_token delete_signup_token create_auth_token validate_auth_token
		validate_token UserToken Unique login_required admin_required webapp2_extras.appengine.users
		generate_password_hash check_password_hash hash_password generate_random_string compare_hashes XSRFToken
		gettext _ ngettext lazy_gettext set_locale set_timezone locale_selector format_date _time _datetime to_local_timezone format_number _currency
		get_jinja2 render_template webapp.template mako {%~trans`,
	"appengine.md": `
		IntegerProperty FloatProperty BooleanProperty StringProperty TextProperty BlobProperty PickleProperty JsonProperty DateTimeProperty DateProperty
		TimeProperty GeoPtProperty KeyProperty BlobKeyProperty UserProperty ComputedProperty StructuredProperty LocalStructuredProperty GenericProperty
		Expando PolyModel auto_now auto_now_add repeated=True required choices validator default compressed=True name='
		get_by_id key.get() get_multi put_multi query fetch fetch_page count() IN != OR @transactional get_or_insert allocate_ids _pre_put_hook urlsafe ndb.gql
		users.get_current_user users.create_login_url is_current_user_admin taskqueue.add deferred.defer cron.yaml memcache mail.send_mail InboundMailHandler
		urlfetch.fetch BlobstoreUploadHandler BlobstoreDownloadHandler create_upload_url images get_serving_url search channel xmpp namespace_manager
		app_identity modules logging capabilities remote_api prospective`,
}

// Each feature of webapp2 and App Engine that applications use has a row, which names it in
// its first cell.
func TestFeaturesHaveRows(t *testing.T) {
	for document, names := range features {
		text, err := os.ReadFile("../../docs/" + document)
		if err != nil {
			t.Fatal(err)
		}
		var first strings.Builder
		for line := range strings.Lines(string(text)) {
			if cells := strings.Split(line, " | "); len(cells) > 1 && strings.HasPrefix(line, "| ") && strings.TrimSpace(cells[1]) != "|" {
				first.WriteString(cells[0] + "\n")
			}
		}
		for _, name := range strings.Fields(names) {
			if name = strings.ReplaceAll(name, "~", " "); !strings.Contains(first.String(), name) {
				t.Errorf("docs/%s has no row about %s", document, name)
			}
		}
	}
}

// namedPackages are the packages whose names the documents use, by the folder of each.
var namedPackages = map[string]string{
	"framework": "framework", "handlers": "handlers", "oidclogin": "handlers/oidclogin", "sessions": "sessions", "sessionstest": "sessions/sessionstest",
	"auth": "auth", "oidc": "auth/oidc", "templates": "templates", "i18n": "i18n", "mail": "mail", "cloud": "cloud", "webapp2": "webapp2", "ndb": "webapp2/ndb",
}

var (
	span      = regexp.MustCompile("`[^`\n]+`")
	qualified = regexp.MustCompile(`\b([a-z]\w*)\.([A-Z]\w*)(?:\.([A-Z]\w*))?`)
	member    = regexp.MustCompile(`\b(?:h\.Response|h|app|site|App|Site|Throttle|Spec|User|Passwords|Tokens|PrivateHandler|Kept|Server)\.([A-Z]\w*)`)
)

// What the documents for people who come from webapp2 name of this module exists.
func TestDocumentsNameWhatExists(t *testing.T) {
	exported, members := exportedNames(t)
	for _, document := range []string{"migrating.md", "appengine.md"} {
		text, err := os.ReadFile("../../docs/" + document)
		if err != nil {
			t.Fatal(err)
		}
		checked := 0
		for line := range strings.Lines(string(text)) {
			if cells := strings.Split(line, " | "); strings.HasPrefix(line, "| ") && len(cells) > 1 {
				line = strings.Join(cells[1:], " | ") // the first cell names what is in Python
			}
			for _, code := range span.FindAllString(line, -1) {
				for _, found := range qualified.FindAllStringSubmatch(code, -1) {
					if namedPackages[found[1]] == "" {
						continue
					}
					checked++
					if !exported[found[1]+"."+found[2]] || found[3] != "" && !members[found[3]] {
						t.Errorf("docs/%s names %s, which does not exist", document, found[0])
					}
				}
				for _, found := range member.FindAllStringSubmatch(code, -1) {
					checked++
					if !members[found[1]] {
						t.Errorf("docs/%s names %s, which does not exist", document, found[0])
					}
				}
			}
		}
		if checked < 20 {
			t.Errorf("docs/%s: %d names were found", document, checked)
		}
	}
}

// exportedNames returns what the named packages export, as "package.Name", and the names of
// all methods and fields.
func exportedNames(t *testing.T) (exported, members map[string]bool) {
	exported, members = map[string]bool{}, map[string]bool{}
	for name, folder := range namedPackages {
		files, err := filepath.Glob(filepath.Join("../..", folder, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v", folder, err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(parsed, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.FuncDecl:
					if n.Recv != nil {
						members[n.Name.Name] = true
					} else {
						exported[name+"."+n.Name.Name] = true
					}
					return false
				case *ast.TypeSpec:
					exported[name+"."+n.Name.Name] = true
				case *ast.ValueSpec:
					for _, ident := range n.Names {
						exported[name+"."+ident.Name] = true
					}
				case *ast.Field:
					for _, ident := range n.Names {
						members[ident.Name] = true
					}
					if len(n.Names) == 0 { // embedded
						text := strings.TrimLeft(types.ExprString(n.Type), "*")
						members[text[strings.LastIndex(text, ".")+1:]] = true
					}
				}
				return true
			})
		}
	}
	for _, name := range []string{"Context", "Header", "WriteHeader", "Write"} { // of net/http
		members[name] = true
	}
	return exported, members
}
