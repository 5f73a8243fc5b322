package architecture

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/webapp2go/webapp2go/sessions"
)

// A gcloudCommand is what version 528 of the Google Cloud CLI knows of a command, as far as
// the documents use it, and what the command needs and makes in a project.
//
// Needs and makes name things such as "secret:session-keys". {0} is the first argument, {*}
// are all of them, {--flag} is the value of a flag, and {project} is the current project.
type gcloudCommand struct {
	arguments string // how many: "0", "1", "2", or "+" for at least one
	required  string // flags
	optional  string // flags; one with "!" takes no value
	needs     string
	makes     string
}

const lists = "filter limit page-size sort-by"

var gcloudCommands = map[string]gcloudCommand{
	"auth login":                                        {"0", "", "!no-launch-browser", "", ""},
	"auth configure-docker":                             {"1", "", "", "", "docker:{0}"},
	"auth application-default login":                    {"0", "", "", "", ""},
	"components install":                                {"+", "", "", "", "component:{*}"},
	"config set":                                        {"2", "", "", "project:{1}", "current"},
	"config get-value":                                  {"1", "", "", "", ""},
	"billing accounts list":                             {"0", "", lists, "", ""},
	"billing projects link":                             {"1", "billing-account", "", "project:{0}", "billing"},
	"billing projects unlink":                           {"1", "", "", "project:{0}", ""},
	"billing budgets create":                            {"0", "billing-account display-name", "budget-amount filter-projects threshold-rule", "api:billingbudgets", ""},
	"projects create":                                   {"1", "", "name organization folder", "", "project:{0}"},
	"projects describe":                                 {"1", "", "", "project:{0}", ""},
	"projects add-iam-policy-binding":                   {"1", "member role", "condition", "project:{0} {--member}", "{--role}:{--member}"},
	"services enable":                                   {"+", "", "", "current billing", "api:{*}"},
	"app regions list":                                  {"0", "", lists, "current api:appengine", ""},
	"app create":                                        {"0", "region", "service-account", "current api:appengine billing", "app database:(default) serviceAccount:{project}@appspot.gserviceaccount.com"},
	"app describe":                                      {"0", "", "", "app", ""},
	"app browse":                                        {"0", "", "service version !no-launch-browser", "version", ""},
	"app deploy":                                        {"+", "", "version !no-promote !promote !no-cache", "app api:cloudbuild api:artifactregistry", "version"},
	"app logs read":                                     {"0", "", "limit level service version", "version", ""},
	"app versions list":                                 {"0", "", lists + " service", "version", ""},
	"app versions delete":                               {"+", "", "service", "version", ""},
	"app services set-traffic":                          {"1", "splits", "!migrate split-by", "version", ""},
	"app services list":                                 {"0", "", lists, "app", ""},
	"app services update":                               {"1", "", "ingress", "version", ""},
	"app domain-mappings create":                        {"1", "", "certificate-management", "app domain:{0}", ""},
	"domains verify":                                    {"1", "", "", "current", "domain:{0}"},
	"firestore databases describe":                      {"0", "", "database", "current api:firestore", ""},
	"firestore databases create":                        {"0", "location", "database type !delete-protection !enable-pitr", "current api:firestore", "database:{--database}"},
	"firestore databases update":                        {"0", "database", "type !delete-protection !enable-pitr", "database:{--database}", ""},
	"firestore databases restore":                       {"0", "source-backup destination-database", "", "schedule", "database:{--destination-database}"},
	"firestore backups list":                            {"0", "", lists + " location", "current api:firestore", ""},
	"firestore backups schedules create":                {"0", "database recurrence retention", "day-of-week", "database:{--database}", "schedule"},
	"firestore fields ttls update":                      {"1", "collection-group", "!enable-ttl !disable-ttl database", "database:{--database}", ""},
	"secrets create":                                    {"1", "", "data-file replication-policy locations", "current api:secretmanager", "secret:{0}"},
	"secrets add-iam-policy-binding":                    {"1", "member role", "condition", "secret:{0} {--member}", "{--role}:{--member}"},
	"secrets versions access":                           {"1", "secret", "", "secret:{--secret}", ""},
	"secrets versions add":                              {"1", "data-file", "", "secret:{0}", ""},
	"secrets versions describe":                         {"1", "secret", "", "secret:{--secret}", ""},
	"secrets versions destroy":                          {"1", "secret", "", "secret:{--secret}", ""},
	"iam service-accounts create":                       {"1", "", "display-name description", "current api:iam", "serviceAccount:{0}@{project}.iam.gserviceaccount.com"},
	"iam service-accounts add-iam-policy-binding":       {"1", "member role", "condition", "serviceAccount:{0} {--member}", "{--role}:{--member}"},
	"iam workload-identity-pools create":                {"1", "location", "display-name", "current api:iam", "pool:{0}"},
	"iam workload-identity-pools providers create-oidc": {"1", "location workload-identity-pool issuer-uri attribute-mapping", "attribute-condition", "api:iamcredentials api:sts pool:{--workload-identity-pool}", ""},
	"artifacts repositories create":                     {"1", "repository-format location", "description", "current api:artifactregistry", "repository:{0}"},
	"run deploy":                                        {"1", "region", "source image service-account build-service-account set-build-env-vars set-env-vars !no-invoker-iam-check !no-allow-unauthenticated !allow-unauthenticated max-instances !no-traffic tag timeout concurrency memory", "current api:run", "service:{0}"},
	"run services update":                               {"1", "region", "update-labels update-env-vars", "service:{0}", ""},
	"run services update-traffic":                       {"1", "region", "!to-latest to-revisions", "service:{0}", ""},
	"run services describe":                             {"1", "region", "", "service:{0}", ""},
	"run services logs read":                            {"1", "region", "limit", "service:{0}", ""},
	"run revisions list":                                {"0", "region", lists + " service", "service:{--service}", ""},
	"beta run domain-mappings create":                   {"0", "service domain", "region", "", ""},
	"monitoring uptime create":                          {"1", "", "resource-type resource-labels protocol path period matcher-content matcher-type", "api:monitoring", ""},
	"beta monitoring channels create":                   {"0", "", "display-name type channel-labels", "api:monitoring", "channel"},
	"beta monitoring channels list":                     {"0", "", lists, "channel", ""},
	"alpha monitoring policies create":                  {"0", "", "display-name condition-display-name combiner notification-channels condition-filter aggregation if duration", "channel", ""},
	"logging metrics create":                            {"1", "", "description log-filter", "current api:logging", "metric"},
	"logging read":                                      {"1", "", "limit freshness", "current", ""},
	"emulators firestore start":                         {"0", "", "database-mode host-port", "", ""},
	"beta emulators datastore start":                    {"0", "", "consistency host-port", "", ""},
	"meta list-files-for-upload":                        {"0", "", "", "", ""},
}

// A project knows what was made in it, and refuses a command that needs what is not there.
type cloudProject struct {
	id   string
	have map[string]bool
	app  string // app.yaml
}

// run runs a command, given as its arguments. It returns an error if the command line tool
// would not understand it, or if it comes too early.
func (p *cloudProject) run(arguments []string) error {
	words := 0
	for n := range arguments {
		if _, known := gcloudCommands[strings.Join(arguments[:n+1], " ")]; known {
			words = n + 1
		}
	}
	name := strings.Join(arguments[:words], " ")
	command, known := gcloudCommands[name]
	if !known {
		return fmt.Errorf("gcloud %s: no such command in the table of this test", strings.Join(arguments, " "))
	}
	values := map[string]string{"project": p.id}
	var positional []string
	for _, argument := range arguments[words:] {
		flag, isFlag := strings.CutPrefix(argument, "--")
		if !isFlag {
			values[fmt.Sprint(len(positional))] = argument
			positional = append(positional, argument)
			continue
		}
		flag, value, hasValue := strings.Cut(flag, "=")
		flags := strings.Fields(command.required + " " + command.optional + " project format !quiet")
		switch {
		case slices.Contains(flags, "!"+flag) && hasValue:
			return fmt.Errorf("gcloud %s: --%s takes no value", name, flag)
		case slices.Contains(flags, flag) && value == "":
			return fmt.Errorf("gcloud %s: --%s has no value", name, flag)
		case !slices.Contains(flags, flag) && !slices.Contains(flags, "!"+flag):
			return fmt.Errorf("gcloud %s has no flag --%s", name, flag)
		}
		values["--"+flag] = value
	}
	for _, flag := range strings.Fields(command.required) {
		if values["--"+flag] == "" {
			return fmt.Errorf("gcloud %s needs --%s", name, flag)
		}
	}
	if wrong := command.arguments == "+" && len(positional) == 0 || command.arguments != "+" && fmt.Sprint(len(positional)) != command.arguments; wrong {
		return fmt.Errorf("gcloud %s takes %s arguments, not %q", name, command.arguments, positional)
	}
	if values["--database"] == "" {
		values["--database"] = "(default)"
	}

	needs := expand(command.needs, values, positional)
	switch name {
	case "run deploy":
		needs = append(needs, runDeployNeeds(values)...)
	case "firestore databases create":
		if p.have["database:"+values["--database"]] {
			return fmt.Errorf("gcloud %s: Database already exists", name)
		}
	}
	for _, thing := range needs {
		if !p.have[thing] {
			return fmt.Errorf("gcloud %s comes before there is %s", strings.Join(arguments, " "), thing)
		}
	}
	for _, thing := range expand(command.makes, values, positional) {
		p.have[strings.TrimSuffix(thing, ".googleapis.com")] = true
	}
	if name == "config set" {
		p.id = positional[1]
	}
	return nil
}

// runDeployNeeds lists what "run deploy" needs for these flags, if the service is to work.
func runDeployNeeds(values map[string]string) (needs []string) {
	if values["--source"] != "" {
		builder := "serviceAccount:" + path.Base(values["--build-service-account"])
		needs = append(needs, "api:cloudbuild", "api:artifactregistry", builder, "roles/run.builder:"+builder)
	}
	if image := values["--image"]; image != "" {
		needs = append(needs, "repository:"+path.Base(path.Dir(image)), "image:"+image)
	}
	if _, later := values["--no-traffic"]; later {
		return append(needs, "service:"+values["0"])
	}
	account := "serviceAccount:" + values["--service-account"]
	needs = append(needs, account, "roles/datastore.user:"+account, "roles/secretmanager.secretAccessor:"+account, "database:(default)")
	for _, pair := range strings.Split(values["--set-env-vars"], ",") {
		if secret, is := strings.CutPrefix(pair, "SESSION_KEYS_SECRET="); is {
			needs = append(needs, "secret:"+secret)
		}
	}
	return needs
}

// expand replaces the {names} in a list of things.
func expand(things string, values map[string]string, positional []string) (all []string) {
	for _, thing := range strings.Fields(things) {
		if before, is := strings.CutSuffix(thing, "{*}"); is {
			for _, argument := range positional {
				all = append(all, before+argument)
			}
			continue
		}
		thing = regexp.MustCompile(`\{[^}]*\}`).ReplaceAllStringFunc(thing, func(name string) string { return values[strings.Trim(name, "{}")] })
		if strings.HasPrefix(thing, "principalSet:") {
			pool := regexp.MustCompile(`/workloadIdentityPools/([^/]+)/`).FindStringSubmatch(thing)
			if pool == nil {
				pool = []string{"", thing}
			}
			thing = "pool:" + pool[1]
		}
		all = append(all, thing)
	}
	return all
}

// deploy is what "make deploy" needs: scripts/deploy, and App Engine's build and start of the
// program.
func (p *cloudProject) deploy() error {
	app, err := os.ReadFile(p.app)
	if err != nil {
		return err
	}
	account := "serviceAccount:" + p.id + "@appspot.gserviceaccount.com"
	if found := regexp.MustCompile(`(?m)^service_account: (\S+)$`).FindSubmatch(app); found != nil {
		account = "serviceAccount:" + string(found[1])
	}
	builder := "serviceAccount:" + p.id + "@appspot.gserviceaccount.com"
	for _, thing := range []string{
		"component:app-engine-go", "app", "api:cloudbuild", "api:artifactregistry", "api:cloudscheduler", "api:datastore", "api:iam", "database:(default)", "secret:session-keys",
		account, "roles/datastore.user:" + account, "roles/secretmanager.secretAccessor:" + account,
		builder, "roles/storage.objectViewer:" + builder, "roles/artifactregistry.createOnPushWriter:" + builder, "roles/logging.logWriter:" + builder,
	} {
		if !p.have[thing] {
			return fmt.Errorf("make deploy comes before there is %s", thing)
		}
	}
	p.have["version"] = true
	return nil
}

// The programs that the commands of a document call, besides those of every Unix. Each notes
// its name and its arguments in the file record.
const gcloudStandIn = `#!/bin/sh
{ printf '%s\037' "${0##*/}" "$@"; echo; } >>record
case "$*" in
*--data-file=-*) cat >secret; cat secret >>secrets; echo . >>secrets ;;
"app create"* | "firestore databases create"*) : >database ;;
"firestore databases describe"*) test -e database && printf 'DATASTORE_MODE\teurope-west3\tOPTIMISTIC\n' ;;
"projects describe"*) echo 471100 ;;
"secrets versions access"*) test -z "${DOWN-}" && cat secret ;;
"app versions list"*version.id*) for n in 7 6 5 4 3 2 1; do echo "v$n"; done ;;
"app describe"*) echo shop.ey.r.appspot.com ;;
"firestore backups list"*) echo projects/shop-4711/locations/europe-west3/backups/1 ;;
"beta monitoring channels list"*) echo projects/shop-4711/notificationChannels/1 ;;
"run services describe"*) echo https://shop-abc-ey.a.run.app ;;
*next---*) echo '{"healthy":true}' ;;
esac
`

var shellBlock = regexp.MustCompile("(?s)\n *```bash\n(.*?)\n *```")

// follow runs commands with sh, as somebody who types them would, and returns what they
// called.
func follow(t *testing.T, folder string, commands ...string) (record [][]string) {
	t.Helper()
	bin := t.TempDir()
	for _, name := range []string{"gcloud", "make", "docker", "curl"} {
		if err := os.WriteFile(filepath.Join(bin, name), []byte(gcloudStandIn), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	shell := exec.Command("sh", "-eu")
	shell.Dir = folder
	shell.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"))
	shell.Stdin = strings.NewReader(strings.Join(commands, "\n") + "\n")
	if out, err := shell.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	text, err := os.ReadFile(filepath.Join(folder, "record"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		record = append(record, strings.Split(strings.TrimSuffix(line, "\x1f\n"), "\x1f"))
	}
	return record
}

// check runs what was called in an empty project.
func (p *cloudProject) check(record [][]string) (mistakes []error) {
	for _, call := range record {
		var err error
		switch {
		case call[0] == "gcloud":
			err = p.run(call[1:])
		case call[0] == "make":
			err = p.deploy()
		case call[0] == "docker" && call[1] == "push":
			if !slices.ContainsFunc(slices.Collect(maps.Keys(p.have)), func(thing string) bool { return strings.HasPrefix(thing, "docker:") }) {
				err = fmt.Errorf("docker push comes before docker knows how to log in")
			}
			p.have["image:"+call[2]] = true
		}
		if err != nil {
			mistakes = append(mistakes, err)
		}
	}
	return mistakes
}

// Whoever types the commands of docs/deploying.md, in their order, gives gcloud nothing that
// it does not understand, and nothing that needs what is not there yet.
func TestDeployingCanBeFollowed(t *testing.T) {
	text, err := os.ReadFile("../../docs/deploying.md")
	if err != nil {
		t.Fatal(err)
	}
	appEngine, cloudRun, found := strings.Cut(string(text), "\n## Cloud Run\n")
	if !found {
		t.Fatal("there is no section Cloud Run")
	}
	var paths [2][]string // the ways to App Engine and to Cloud Run
	var ofRun []string
	for _, block := range shellBlock.FindAllStringSubmatch(appEngine, -1) {
		if strings.HasPrefix(strings.TrimSpace(block[1]), "gcloud run ") {
			ofRun = append(ofRun, block[1])
		} else {
			paths[0] = append(paths[0], block[1])
		}
	}
	for _, block := range shellBlock.FindAllStringSubmatch(cloudRun, -1) {
		paths[1] = append(paths[1], block[1])
	}
	paths[1] = append(paths[1], ofRun...)
	for i, name := range []string{"App Engine", "Cloud Run"} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			app, err := os.ReadFile("../../app.yaml")
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(folder, "app.yaml"), app, 0o644); err != nil {
				t.Fatal(err)
			}
			for _, block := range paths[i] {
				if regexp.MustCompile(`(?m)(^|\s)#`).MatchString(block) {
					t.Errorf("zsh takes no comments from a terminal:\n%s", block)
				}
			}
			record := follow(t, folder, paths[i]...)
			if len(record) < 20 {
				t.Fatalf("only %d commands", len(record))
			}
			p := &cloudProject{have: map[string]bool{}, app: filepath.Join(folder, "app.yaml")}
			for _, mistake := range p.check(record) {
				t.Error(mistake)
			}
			if name == "App Engine" {
				if !slices.ContainsFunc(record, func(call []string) bool {
					return strings.Join(call, " ") == "gcloud app versions delete --quiet --service=default v2 v1"
				}) {
					t.Error("of seven old versions, the two oldest are not deleted")
				}
				checkAppYAML(t, filepath.Join(folder, "app.yaml"))
			}
		})
	}
}

// The account in app.yaml is that of the project, also if the steps were followed before for
// another one.
func TestDeployingToTwoProjects(t *testing.T) {
	text, err := os.ReadFile("../../docs/deploying.md")
	if err != nil {
		t.Fatal(err)
	}
	var step string
	for _, block := range shellBlock.FindAllStringSubmatch(string(text), -1) {
		if strings.Contains(block[1], "service_account:") {
			step += block[1] + "\n"
		}
	}
	app, err := os.ReadFile("../../app.yaml")
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	file := filepath.Join(folder, "app.yaml")
	if err := os.WriteFile(file, app, 0o644); err != nil {
		t.Fatal(err)
	}
	follow(t, folder, "PROJECT=shop-4711", step, "PROJECT=shop-test", step)
	checkAppYAML(t, file)
	var got appYAML
	readYAML(t, file, &got)
	if want := "shop-run@shop-test.iam.gserviceaccount.com"; got.ServiceAccount != want {
		t.Errorf("the account is %q, want %q", got.ServiceAccount, want)
	}
}

// Each step of changing a key adds the version that it says. If the keys cannot be read, it
// adds none.
func TestRotation(t *testing.T) {
	text, err := os.ReadFile("../../docs/deploying.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## Keys, and changing them\n")
	section, _, _ = strings.Cut(section, "\n## ")
	commands := []string{"openssl rand -base64 32 | gcloud secrets create session-keys --data-file=-"}
	for _, block := range shellBlock.FindAllStringSubmatch(section, -1) {
		if strings.Contains(block[1], "make deploy") {
			commands = append(commands, block[1])
		}
	}
	folder := t.TempDir()
	follow(t, folder, commands...)
	versions, err := os.ReadFile(filepath.Join(folder, "secrets"))
	if err != nil {
		t.Fatal(err)
	}
	numbers := map[string]string{} // of the keys, in the order in which they were made
	got := regexp.MustCompile(`(?m)^[^.\n]+$`).ReplaceAllStringFunc(string(versions), func(key string) string {
		if keys, err := sessions.ParseKeys(key); err != nil || len(keys) != 1 {
			t.Errorf("%q is no key: %v", key, err)
		}
		if numbers[key] == "" {
			numbers[key] = fmt.Sprint(len(numbers) + 1)
		}
		return numbers[key]
	})
	if got, want := strings.ReplaceAll(got, "\n", " "), "1 . 1 2 . 2 1 . 2 . 3 . "; got != want {
		t.Errorf("the versions have the keys %s, want %s", got, want)
	}

	commands[0] = "export DOWN=yes; set +e"
	read := 0
	for _, call := range follow(t, t.TempDir(), commands[:len(commands)-1]...) { // the last step replaces what leaked
		switch command := strings.Join(call, " "); {
		case strings.HasPrefix(command, "gcloud secrets versions access"):
			read++
		case strings.HasPrefix(command, "gcloud secrets versions add"):
			t.Error("a version was added though the keys could not be read")
		}
	}
	if read != 3 {
		t.Errorf("the keys were read %d times, want 3: once for each step", read)
	}
}

// TestDeployingCanBeFollowed finds mistakes.
func TestGcloudStandIn(t *testing.T) {
	const begin = "gcloud projects create p; gcloud config set project p; gcloud billing projects link p --billing-account=1; "
	for commands, want := range map[string]string{
		begin + "gcloud services enable appengine.googleapis.com; gcloud app create --region=r": "",
		begin + "gcloud services enable appengine.googleapis.com; gcloud app create --regoin=r": "gcloud app create has no flag --regoin",
		begin + "gcloud services enable appengine.googleapis.com; gcloud app create":            "gcloud app create needs --region",
		begin + "gcloud services enable appengine.googleapis.com; gcloud app create --region r": "gcloud app create: --region has no value",
		begin + "gcloud app create --region=r":                                                  "comes before there is api:appengine",
		begin + "gcloud app crate --region=r":                                                   "no such command",
		begin + "gcloud services enable":                                                        "takes + arguments",
		begin + "gcloud secrets versions access latest x --secret=s || true":                    "takes 1 arguments",
		begin + "gcloud services enable run.googleapis.com --quiet=1":                           "--quiet takes no value",
		"gcloud projects create p; gcloud services enable run.googleapis.com":                   "comes before there is current",
		begin + "gcloud services enable firestore.googleapis.com appengine.googleapis.com; gcloud app create --region=r; gcloud firestore databases create --location=l":                                                                        "Database already exists",
		begin + "gcloud services enable iam.googleapis.com; gcloud projects add-iam-policy-binding p --role=r --member=serviceAccount:a@p.iam.gserviceaccount.com":                                                                              "comes before there is serviceAccount:a@p",
		begin + "gcloud services enable iam.googleapis.com; gcloud iam service-accounts create a; gcloud iam service-accounts add-iam-policy-binding a@p.iam.gserviceaccount.com --role=r --member=principalSet://x/workloadIdentityPools/ci/y": "comes before there is pool:ci",
		begin + "gcloud services enable run.googleapis.com; gcloud run deploy s --region=r --no-traffic":                                                                                                                                        "comes before there is service:s",
		begin + "gcloud services enable run.googleapis.com; gcloud run deploy s --region=r --image=x":                                                                                                                                           "comes before there is repository:.",
		begin + "make deploy": "make deploy comes before there is component:app-engine-go",
	} {
		folder := t.TempDir()
		if err := os.WriteFile(filepath.Join(folder, "app.yaml"), nil, 0o644); err != nil {
			t.Fatal(err)
		}
		p := &cloudProject{have: map[string]bool{}, app: filepath.Join(folder, "app.yaml")}
		mistakes := p.check(follow(t, folder, commands))
		switch {
		case want == "" && len(mistakes) > 0:
			t.Errorf("%s: %v", commands, mistakes)
		case want != "" && (len(mistakes) == 0 || !strings.Contains(mistakes[0].Error(), want)):
			t.Errorf("%s: %v, want %q", commands, mistakes, want)
		}
	}
}

// Wherever else the project names a command of gcloud, that is one.
func TestGcloudCommandsExist(t *testing.T) {
	mention := regexp.MustCompile(`gcloud((?: [a-z][a-z0-9-]*)+)((?: +--[a-z-]+\b)*)`)
	mentions := 0
	for _, name := range tracked(t, "*.md", "*.go", "*.yaml", "*.yml", "*Makefile", "scripts/deploy", "*Dockerfile") {
		if strings.HasSuffix(name, "_test.go") || name == "CHANGELOG.md" {
			continue
		}
		text, err := os.ReadFile(filepath.Join("../..", name))
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range mention.FindAllStringSubmatch(string(text), -1) {
			words := strings.Fields(found[1])
			n := len(words)
			for ; n > 0; n-- {
				if _, known := gcloudCommands[strings.Join(words[:n], " ")]; known {
					break
				}
			}
			first := slices.ContainsFunc(slices.Collect(maps.Keys(gcloudCommands)), func(command string) bool {
				return strings.HasPrefix(command, words[0]+" ")
			})
			switch {
			case n > 0:
				mentions++
			case first:
				t.Errorf("%s: gcloud has no command that begins with%s", name, found[1])
			}
		}
	}
	if mentions < 50 {
		t.Errorf("only %d commands were found", mentions)
	}
}
