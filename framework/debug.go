package framework

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"html"
	"maps"
	"net/http"
	"net/url"
	"os"
	"reflect"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// The limits of a debug page, so that its size does not depend on what a client sends.
const (
	maxDebugText   = 2 << 10 // bytes of one value
	maxDebugRows   = 40      // rows of one list
	maxDebugFrames = 60
	maxDebugErrors = 20
	maxDebugRoutes = 100
	maxDebugFile   = 4 << 20 // bytes of a source file that is read
	linesAround    = 7       // of the marked line
)

// A debugReport is what the error page shows in Debug. It holds no cookie, no password and
// no value of a form or a query.
type debugReport struct {
	Errors []debugError                 `json:"errors,omitempty"` // the error and its causes
	Source *debugSource                 `json:"source,omitempty"`
	Frames []debugFrame                 `json:"frames,omitempty"` // innermost first
	Routes []debugRoute                 `json:"routes,omitempty"` // nearest first; for 404 and 405
	Steps  []debugStep                  `json:"steps,omitempty"`  // of the request, in order
	Facts  map[string]map[string]string `json:"facts"`
}

// A debugStep is one [TracedStep].
type debugStep struct {
	At    string `json:"at"`             // since the request came
	Took  string `json:"took,omitempty"` // empty if it takes no time or has not ended
	Depth int    `json:"depth"`
	Text  string `json:"text"`
	Error string `json:"error,omitempty"`
}

// debugSteps returns the steps of a trace as texts. The error of HandleError and App.Errors
// is not among them: it leads to this page.
func debugSteps(steps []TracedStep) (shown []debugStep) {
	for _, step := range steps {
		s := debugStep{At: step.At.Round(time.Microsecond).String(), Depth: step.Depth, Text: string(step.Kind) + " " + step.Name}
		if step.Took > 0 {
			s.Took = step.Took.Round(time.Microsecond).String()
		}
		if step.Kind != StepError {
			s.Error = step.Err
		}
		shown = append(shown, s)
	}
	return shown
}

// A debugError is one error of a chain.
type debugError struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

// A debugSource is a piece of a source file or of a template.
type debugSource struct {
	About string   `json:"about"` // what the marked line is
	File  string   `json:"file"`
	Line  int      `json:"line"`            // the marked line
	First int      `json:"first,omitempty"` // the number of the first of Lines
	Lines []string `json:"lines,omitempty"` // nil if the file cannot be read
}

// A debugFrame is one call of a stack.
type debugFrame struct {
	Function string `json:"function"`
	File     string `json:"file"`
	Line     int    `json:"line"`
	Own      bool   `json:"own"` // it belongs to the program, not to the framework or a library
}

// A debugRoute is one route of the routing table.
type debugRoute struct {
	Path    string `json:"path"`
	Name    string `json:"name,omitempty"`
	Methods string `json:"methods,omitempty"`
	Handler string `json:"handler,omitempty"`

	distance int
}

// debugSections are the names of the facts, in the order of the page.
var debugSections = []string{"Request", "Handler", "Application", "Header", "Environment"}

// newDebugReport collects what is known of an error and of the request that has failed.
func (a *App) newDebugReport(h *RequestHandler, p page) *debugReport {
	d := &debugReport{Errors: errorChain(p.Error)}
	d.findSource(h, p)
	if noRoute := p.Status == http.StatusNotFound && h.route == nil; noRoute || p.Status == http.StatusMethodNotAllowed {
		d.Routes = a.nearestRoutes(h.Request.URL.Path)
	}
	if t := h.Response.tracer(); t != nil && t.kept != nil {
		d.Steps = debugSteps(t.kept.Steps())
	}
	d.Facts = map[string]map[string]string{
		"Request":     requestFacts(h),
		"Handler":     handlerFacts(h),
		"Header":      headerFacts(h.Request.Header),
		"Environment": environmentFacts(),
	}
	if known, ok := h.outermost.(interface{ DebugInfo() map[string]string }); ok {
		d.Facts["Application"] = map[string]string{}
		for name, value := range known.DebugInfo() {
			d.Facts["Application"][cutText(name)] = cutText(value)
		}
	}
	return d
}

// errorChain returns an error and its causes, the outermost first.
func errorChain(err error) (chain []debugError) {
	left := []error{err}
	for len(left) > 0 && len(chain) < maxDebugErrors {
		err, left = left[0], left[1:]
		if err == nil {
			continue
		}
		chain = append(chain, debugError{fmt.Sprintf("%T", err), cutText(err.Error())})
		switch err := err.(type) {
		case interface{ Unwrap() error }:
			left = slices.Insert(left, 0, err.Unwrap())
		case interface{ Unwrap() []error }:
			left = slices.Insert(left, 0, err.Unwrap()...)
		}
	}
	return chain
}

// A templateError is an error at a line of a template.
type templateError interface {
	error
	TemplateSource() (name, text string, line int)
}

// findSource finds the lines to show: of the template that has failed, of the first own
// call of a panic or of h.Abort, or of the action.
func (d *debugReport) findSource(h *RequestHandler, p page) {
	about := ""
	if panicked, ok := errors.AsType[*PanicError](p.Error); ok {
		d.Frames, about = parseStack(panicked.Stack), "It panicked here."
	} else if e := h.Response.extras.Load(); e != nil && e.aborted.err != nil && errors.Is(p.Error, e.aborted.err) {
		d.Frames, about = framesOf(e.aborted.callers), "The error was made here."
	}
	if failed, ok := errors.AsType[templateError](p.Error); ok {
		name, text, line := failed.TemplateSource()
		d.Source = excerpt(name, line, strings.Split(text, "\n"))
		d.Source.About = "The template failed here."
		return
	}
	for _, frame := range d.Frames {
		if frame.Own {
			d.Source = excerpt(frame.File, frame.Line, readLines(frame.File))
			d.Source.About = about
			return
		}
	}
	if d.Frames == nil && h.route != nil && p.Status >= 500 {
		if _, file, line := actionOf(h); file != "" {
			d.Source = excerpt(file, line, readLines(file))
			d.Source.About = "The error has no stack. This is the action of the request."
		}
	}
}

// excerpt returns the lines around a line.
func excerpt(file string, line int, lines []string) *debugSource {
	s := &debugSource{File: file, Line: line}
	if line < 1 || line > len(lines) {
		return s
	}
	first, last := max(1, line-linesAround), min(len(lines), line+linesAround)
	s.First = first
	for _, text := range lines[first-1 : last] {
		s.Lines = append(s.Lines, cutText(strings.TrimSuffix(text, "\r")))
	}
	return s
}

// readLines returns the lines of a source file, nil if it cannot be read. A program that
// was built with -trimpath has file names that begin with the path of its module.
func readLines(file string) []string {
	for _, name := range []string{file, strings.TrimPrefix(file, mainModule()+"/")} {
		if info, err := os.Stat(name); err != nil || !info.Mode().IsRegular() || info.Size() > maxDebugFile {
			continue
		}
		if text, err := os.ReadFile(name); err == nil {
			return strings.Split(string(text), "\n")
		}
	}
	return nil
}

// mainModule returns the path of the module of the program.
var mainModule = sync.OnceValue(func() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Path != "" {
		return info.Main.Path
	}
	return "main"
})

// parseStack returns the calls of a stack of debug.Stack, without those that have handled
// the panic.
func parseStack(stack []byte) (frames []debugFrame) {
	if _, after, ok := bytes.Cut(stack, []byte("\npanic(")); ok {
		if _, after, ok = bytes.Cut(after, []byte("\n")); ok { // the arguments of panic
			_, stack, _ = bytes.Cut(after, []byte("\n")) // its file
		}
	} else {
		_, stack, _ = bytes.Cut(stack, []byte("\n"))
	}
	lines := strings.Split(string(stack), "\n")
	for i := 0; i+1 < len(lines) && len(frames) < maxDebugFrames; i += 2 {
		function := lines[i]
		if end := strings.LastIndexByte(function, '('); end > 0 && strings.HasSuffix(function, ")") {
			function = function[:end]
		}
		location, _, _ := strings.Cut(strings.TrimSpace(lines[i+1]), " +0x")
		colon := strings.LastIndexByte(location, ':')
		if colon < 0 {
			break
		}
		line, _ := strconv.Atoi(location[colon+1:])
		frames = append(frames, newFrame(function, location[:colon], line))
	}
	return frames
}

// framesOf returns the calls that runtime.Callers has found.
func framesOf(callers []uintptr) (frames []debugFrame) {
	for all := runtime.CallersFrames(callers); len(frames) < maxDebugFrames; {
		frame, more := all.Next()
		frames = append(frames, newFrame(frame.Function, frame.File, frame.Line))
		if !more {
			break
		}
	}
	return frames
}

func newFrame(function, file string, line int) debugFrame {
	return debugFrame{cutText(function), file, line, isOwn(function, file)}
}

// ownModule is the path of the module of this package.
const ownModule = "github.com/webapp2go/webapp2go/"

// isOwn reports whether a function belongs to the program: not to the standard library, to
// this module's packages, or to a module that was downloaded.
func isOwn(function, file string) bool {
	function = strings.TrimPrefix(function, "created by ")
	slash := strings.LastIndexByte(function, '/') + 1
	name, _, _ := strings.Cut(function[slash:], ".")
	path := function[:slash] + name
	if below, ok := strings.CutPrefix(path, ownModule); ok {
		first, _, _ := strings.Cut(below, "/")
		return first == "cmd" || first == "examples" || strings.HasPrefix(below, "handlers/demo") || strings.HasSuffix(path, "_test")
	}
	if strings.Contains(file, "/pkg/mod/") || strings.Contains(file, "/vendor/") || strings.Contains(file, "@v") {
		return false
	}
	if path == "main" || path == mainModule() || strings.HasPrefix(path, mainModule()+"/") {
		return true
	}
	first, _, _ := strings.Cut(path, "/")
	return strings.Contains(first, ".") // the standard library's paths have no domain
}

// aborted is where h.Abort was called, in Debug.
type aborted struct {
	err     error
	callers []uintptr
}

// noteCaller keeps where an error of h.Abort was made. It does so only in Debug.
func (h *RequestHandler) noteCaller(err error) {
	if h.App == nil || !h.App.Debug || h.Response == nil {
		return
	}
	callers := make([]uintptr, maxDebugFrames)
	callers = callers[:runtime.Callers(3, callers)] // without Callers, noteCaller and Abort
	e := h.Response.needExtras()
	e.mutex.Lock()
	defer e.mutex.Unlock()
	e.aborted = aborted{err, callers}
}

// chainOf returns the type of a handler and those that it embeds, down to RequestHandler.
func chainOf(h Handler) (chain []reflect.Type) {
	handler := reflect.TypeFor[Handler]()
next:
	for t := reflect.TypeOf(h).Elem(); ; {
		chain = append(chain, t)
		if t == reflect.TypeFor[RequestHandler]() || t.Kind() != reflect.Struct {
			return chain
		}
		for i := range t.NumField() {
			field := t.Field(i)
			below := field.Type
			if below.Kind() == reflect.Pointer {
				below = below.Elem()
			}
			if field.Anonymous && reflect.PointerTo(below).Implements(handler) {
				t = below
				continue next
			}
		}
		return chain
	}
}

// codeOf returns the name and the place of a method of a handler, of the type that
// defines it. It is "" if there is none.
func codeOf(chain []reflect.Type, method func(reflect.Type) (reflect.Method, bool)) (name, file string, line int) {
	for _, t := range chain {
		if m, ok := method(reflect.PointerTo(t)); ok {
			if name, file, line = placeOf(m.Func.Pointer()); file != "" {
				return name, file, line
			}
		}
	}
	return "", "", 0
}

// placeOf returns the name and the place of a function. They are "" for a method that was
// promoted from an embedded type.
func placeOf(code uintptr) (name, file string, line int) {
	f := runtime.FuncForPC(code)
	if f == nil {
		return "", "", 0
	}
	if file, line = f.FileLine(code); file == "<autogenerated>" {
		return "", "", 0
	}
	return strings.TrimSuffix(f.Name(), "-fm"), file, line
}

// actionOf returns the name and the place of the action of a request.
func actionOf(h *RequestHandler) (name, file string, line int) {
	methods := h.endpoint.methods
	if methods.action(h.Request.Method) == nil {
		return "", "", 0
	}
	for _, method := range []string{"", h.Request.Method, "GET"} { // GET serves HEAD too
		if code := methods.code[method]; code != 0 {
			return placeOf(code)
		}
	}
	chain := chainOf(h.outermost)
	method := h.Request.Method
	for _, m := range namedMethods {
		if m.of == nil || m.does != "serve "+method {
			continue
		}
		if name, file, line = codeOf(chain, m.of); file == "" && method == http.MethodHead {
			return codeOf(chain, func(t reflect.Type) (reflect.Method, bool) { return t.MethodByName("Get") })
		}
	}
	return name, file, line
}

// requestFacts returns what was asked for. The values of a query or a form may be secret.
func requestFacts(h *RequestHandler) map[string]string {
	r := h.Request
	facts := map[string]string{"Method": cutText(r.Method), "Path": cutText(r.URL.Path), "Host": cutText(r.Host), "Protocol": r.Proto}
	add := func(name string, keys []string) {
		if len(keys) > 0 {
			facts[name] = keyList(keys)
		}
	}
	query, _ := url.ParseQuery(r.URL.RawQuery)
	add("Query keys", slices.Collect(maps.Keys(query)))
	add("Form keys", slices.Collect(maps.Keys(r.PostForm)))
	var cookies []string
	for _, cookie := range r.Cookies() {
		cookies = append(cookies, cookie.Name)
	}
	add("Cookies", cookies)
	return facts
}

// keyList returns names as one text.
func keyList(keys []string) string {
	slices.Sort(keys)
	keys = slices.Compact(keys)
	more := ""
	if len(keys) > maxDebugRows {
		keys, more = keys[:maxDebugRows], ", ..."
	}
	return cutText(strings.Join(keys, ", ")) + more
}

// handlerFacts returns the route, the handler, its Dispatch chain and its action.
func handlerFacts(h *RequestHandler) map[string]string {
	facts := map[string]string{"Route": "none matches"}
	if h.route != nil {
		facts["Route"] = cmp.Or(h.route.template, "every path")
		if h.route.name != "" {
			facts["Route name"] = h.route.name
		}
		if vars := h.Vars(); len(vars) > 0 {
			facts["Variables"] = keyList(slices.Collect(maps.Keys(vars)))
		}
	}
	if h.outermost == nil {
		return facts
	}
	facts["Type"] = fmt.Sprintf("%T", h.outermost)
	chain := chainOf(h.outermost)
	var dispatches []string
	for i, t := range chain {
		name, _, _ := codeOf(chain[i:i+1], func(t reflect.Type) (reflect.Method, bool) { return t.MethodByName("Dispatch") })
		if name != "" {
			dispatches = append(dispatches, t.String()+".Dispatch")
		}
	}
	facts["Dispatch chain"] = strings.Join(dispatches, " → ")
	if name, file, line := codeOf(chain, func(t reflect.Type) (reflect.Method, bool) { return t.MethodByName("Guard") }); name != "" {
		facts["Guard"] = fmt.Sprintf("%s, %s:%d", shortFunction(name), shortFile(file), line)
	}
	if name, file, line := actionOf(h); name != "" {
		facts["Action"] = fmt.Sprintf("%s, %s:%d", shortFunction(name), shortFile(file), line)
	}
	return facts
}

// shownHeaders are the headers of a request whose values are shown. Others may be secret.
var shownHeaders = []string{"Accept", "Accept-Encoding", "Accept-Language", "Cache-Control", "Connection", "Content-Encoding",
	"Content-Length", "Content-Type", "Forwarded", "If-Match", "If-Modified-Since", "If-None-Match", "Origin", "Range", "Referer",
	"Sec-Fetch-Dest", "Sec-Fetch-Mode", "Sec-Fetch-Site", "Sec-Fetch-User", "Transfer-Encoding", "Upgrade",
	"Upgrade-Insecure-Requests", "User-Agent", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"}

// headerFacts returns the header of a request, without the values of those that may be
// secret.
func headerFacts(header http.Header) map[string]string {
	facts := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(header)) {
		if len(facts) == maxDebugRows {
			facts["..."] = fmt.Sprintf("%d more", len(header)-maxDebugRows)
			break
		}
		value := strings.Join(header[name], ", ")
		switch {
		case !slices.Contains(shownHeaders, name):
			value = fmt.Sprintf("(%d bytes, not shown)", len(value))
		case name == "Referer":
			value, _, _ = strings.Cut(value, "?")
		}
		facts[cutText(name)] = cutText(value)
	}
	return facts
}

// environmentFacts returns what the program is and where it runs. It reads no variable,
// because they may be secret.
func environmentFacts() map[string]string {
	facts := map[string]string{"Go": runtime.Version(), "System": runtime.GOOS + "/" + runtime.GOARCH, "Process": strconv.Itoa(os.Getpid())}
	if folder, err := os.Getwd(); err == nil {
		facts["Folder"] = folder
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		facts["Module"] = strings.TrimSpace(info.Main.Path + " " + info.Main.Version)
		for _, setting := range info.Settings {
			if setting.Key == "vcs.revision" {
				facts["Revision"] = setting.Value
			}
		}
	}
	return facts
}

// nearestRoutes returns the routes of the App, those first whose path is most like path.
func (a *App) nearestRoutes(path string) (routes []debugRoute) {
	if a.Router == nil {
		return nil
	}
	_ = a.Walk(func(r *Route, _ *Router, _ []*Route) error { // the function returns no error
		if r.buildOnly || r.below != nil || len(r.mistakes) > 0 {
			return nil
		}
		shown := debugRoute{Path: cutText(cmp.Or(r.template, "every path")), Name: cutText(r.name), Methods: strings.Join(r.methods, ", ")}
		if host := r.host + r.hostName; host != "" {
			shown.Path = cutText(host) + shown.Path
		}
		if r.endpoint != nil {
			var served []string
			for method := range strings.SplitSeq(r.endpoint.methods.allow, ", ") {
				if r.methods == nil || slices.Contains(r.methods, method) {
					served = append(served, method)
				}
			}
			if r.endpoint.methods.only == nil {
				shown.Methods = strings.Join(served, ", ")
			}
			shown.Handler = strings.TrimPrefix(fmt.Sprintf("%T", r.endpoint.newHandler()), "*")
		} else if r.handler != nil {
			shown.Handler = fmt.Sprintf("%T", r.handler)
		}
		shown.distance = distance(path, r.template, r.form == prefix)
		routes = append(routes, shown)
		return nil
	})
	slices.SortStableFunc(routes, func(a, b debugRoute) int { return cmp.Compare(a.distance, b.distance) })
	return routes[:min(len(routes), maxDebugRoutes)]
}

// distance returns how many bytes differ between a path and the template of a route. A
// variable is like every segment.
func distance(path, template string, prefix bool) int {
	const most = 120 // bytes that are compared
	path, template = path[:min(len(path), most)], template[:min(len(template), most)]
	segments, wanted := strings.Split(path, "/"), strings.Split(template, "/")
	for i, segment := range wanted {
		if strings.HasPrefix(segment, "{") && i < len(segments) && segments[i] != "" {
			wanted[i] = segments[i]
		}
	}
	if prefix && len(wanted) < len(segments) {
		segments = segments[:len(wanted)]
	}
	a, b := strings.ToLower(strings.Join(segments, "/")), strings.ToLower(strings.Join(wanted, "/"))
	row := make([]int, len(b)+1) // Levenshtein's distance, one row at a time
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := before
			if a[i] != b[j] {
				cost++
			}
			before = row[j+1]
			row[j+1] = min(cost, row[j]+1, before+1)
		}
	}
	return row[len(b)]
}

// cutText bounds a text.
func cutText(text string) string {
	if len(text) > maxDebugText {
		return strings.ToValidUTF8(text[:maxDebugText], "") + " ..."
	}
	return text
}

// shortFunction returns the name of a function with the last element of its package's path
// only.
func shortFunction(name string) string { return name[strings.LastIndexByte(name, '/')+1:] }

// shortFile returns a file name without the working folder.
func shortFile(file string) string {
	if folder, err := os.Getwd(); err == nil {
		if below, ok := strings.CutPrefix(file, folder+"/"); ok {
			return below
		}
	}
	return file
}

// debugCSP allows the style of the debug page and nothing else.
var debugCSP = sync.OnceValue(func() string {
	sum := sha256.Sum256([]byte(debugStyle))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
})

// writeHTML writes the debug page.
func (d *debugReport) writeHTML(h *RequestHandler, p page, title string) {
	w, r := h.Response, h.Request
	out := newDebugPage(fmt.Sprintf("%d %s: %s %s", p.Status, title, cutText(r.Method), cutText(r.URL.Path)))
	write := out.write
	write("<header>\n<p class=\"status\"><b>%d</b> %s</p>\n<h1>%s</h1>\n<p><code>%s %s</code>", p.Status, title, d.heading(h, p), cutText(r.Method), cutText(r.URL.Path))
	if len(d.Errors) > 0 {
		write(" · <code>%s</code>", d.Errors[0].Type)
	}
	if p.ID != "" {
		write(" · The log has this as <code>%s</code>.", p.ID)
	}
	write("</p>\n</header>\n")
	if allow := w.Header().Get("Allow"); p.Status == http.StatusMethodNotAllowed && allow != "" {
		write("<section>\n<h2>Methods</h2>\n<p>This path takes <code>%s</code>, and not <code>%s</code>.</p>\n</section>\n", allow, cutText(r.Method))
	}
	if s := d.Source; s != nil {
		write("<section>\n<h2>Source</h2>\n<p>%s <code>%s:%d</code></p>\n", s.About, shortFile(s.File), s.Line)
		if s.Lines == nil {
			write("<p>The file cannot be read.</p>\n")
		} else {
			write("<pre class=\"source\" tabindex=\"0\" role=\"region\" aria-label=\"Source\">")
			for i, line := range s.Lines {
				if s.First+i == s.Line {
					write("<mark><i>%d</i>%s\n</mark>", s.First+i, line)
				} else {
					write("<span><i>%d</i>%s\n</span>", s.First+i, line)
				}
			}
			write("</pre>\n")
		}
		write("</section>\n")
	}
	if d.Frames != nil {
		list := func(ownOnly bool) {
			write("<ol>\n")
			for _, frame := range d.Frames {
				if frame.Own || !ownOnly {
					write("<li><code>%s</code> <span>%s:%d</span></li>\n", shortFunction(frame.Function), shortFile(frame.File), frame.Line)
				}
			}
			write("</ol>\n")
		}
		write("<section>\n<h2>Calls of the program, the last first</h2>\n")
		list(true) // empty if the program is not on the stack
		write("<details class=\"folded\">\n<summary>All %d calls, with those of the framework and the libraries</summary>\n", len(d.Frames))
		list(false)
		write("</details>\n</section>\n")
	}
	if len(d.Steps) > 0 {
		write("<section>\n<h2>What was done for the request</h2>\n")
		out.steps(d.Steps)
		write("</section>\n")
	}
	if len(d.Errors) > 1 {
		write("<section>\n<h2>The error and its causes</h2>\n<ol>\n")
		for _, e := range d.Errors {
			write("<li><code>%s</code> <span>%s</span></li>\n", e.Type, e.Text)
		}
		write("</ol>\n</section>\n")
	}
	if len(d.Routes) > 0 {
		write("<section>\n<h2>Routes, the nearest first</h2>\n<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"Routes\">\n<table class=\"routes\">\n<thead><tr><th>Path</th><th>Methods</th><th>Name</th><th>Handler</th></tr></thead>\n<tbody>\n")
		for _, route := range d.Routes {
			write("<tr><td><code>%s</code></td><td>%s</td><td>%s</td><td><code>%s</code></td></tr>\n", route.Path, cmp.Or(route.Methods, "all"), route.Name, route.Handler)
		}
		write("</tbody>\n</table>\n</div>\n</section>\n")
	}
	for _, section := range debugSections {
		if facts := d.Facts[section]; len(facts) > 0 {
			write("<section>\n<h2>%s</h2>\n<dl>\n", section)
			for _, name := range slices.Sorted(maps.Keys(facts)) {
				write("<dt>%s</dt><dd>%s</dd>\n", name, facts[name])
			}
			write("</dl>\n</section>\n")
		}
	}
	write("<details>\n<summary>Copy as text</summary>\n<p>One click selects all of it.</p>\n<pre class=\"copy\" tabindex=\"0\" role=\"region\" aria-label=\"All of this as text\">%s</pre>\n</details>\n", d.text(h, p, title))
	write("<footer><p>This page is shown because App.Debug is set. Cookies, passwords, and the values of queries and forms are left out.</p></footer>\n")
	out.send(w)
}

// A debugPage is an HTML page with a style of its own, so that it does not depend on the
// site's templates and style sheets.
type debugPage struct{ text strings.Builder }

// newDebugPage begins a page.
func newDebugPage(title string) *debugPage {
	p := new(debugPage)
	p.write("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"+
		"<meta name=\"color-scheme\" content=\"light dark\">\n<title>%s</title>\n<style>", title)
	p.text.WriteString(debugStyle)
	p.write("</style>\n</head>\n<body>\n<main>\n")
	return p
}

// write writes HTML, with the arguments escaped.
func (p *debugPage) write(format string, arguments ...any) {
	for i, argument := range arguments {
		if text, ok := argument.(string); ok {
			arguments[i] = html.EscapeString(text)
		}
	}
	fmt.Fprintf(&p.text, format, arguments...)
}

// steps writes a table of steps.
func (p *debugPage) steps(steps []debugStep) {
	p.write("<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"Steps\">\n<table class=\"steps\">\n<thead><tr><th>At</th><th>Step</th><th>Took</th></tr></thead>\n<tbody>\n")
	for _, step := range steps {
		class := ""
		if step.Error != "" {
			class = "failed"
		}
		p.write("<tr class=\"%s\"><td>%s</td><td>%s<code>%s</code>", class, step.At, strings.Repeat("\u2003", step.Depth), step.Text)
		if step.Error != "" {
			p.write(" %s", step.Error)
		}
		p.write("</td><td>%s</td></tr>\n", step.Took)
	}
	p.write("</tbody>\n</table>\n</div>\n")
}

// send ends the page and responds with it.
func (p *debugPage) send(w *Response) {
	p.write("</main>\n</body>\n</html>\n")
	header := w.Header()
	header.Set("Content-Security-Policy", debugCSP())
	header.Set("Cache-Control", "no-store")
	header.Set("Content-Type", "text/html; charset=utf-8")
	w.WriteString(p.text.String())
}

// heading returns the text of the error.
func (d *debugReport) heading(h *RequestHandler, p page) string {
	if e, ok := p.Error.(*Error); ok && e.Message == "" && e.Err == nil && d.Routes != nil {
		if p.Status == http.StatusNotFound {
			return "No route matches " + cutText(h.Request.URL.Path)
		}
		return cutText(h.Request.URL.Path) + " does not take " + cutText(h.Request.Method)
	}
	if len(d.Errors) == 0 {
		return ""
	}
	return strings.TrimPrefix(d.Errors[0].Text, "framework: ")
}

// text returns the report as plain text, to send to somebody.
func (d *debugReport) text(h *RequestHandler, p page, title string) string {
	var out strings.Builder
	fmt.Fprintf(&out, "%d %s: %s %s\n%s\n", p.Status, title, cutText(h.Request.Method), cutText(h.Request.URL.Path), d.heading(h, p))
	if s := d.Source; s != nil {
		fmt.Fprintf(&out, "\n%s %s:%d\n", s.About, shortFile(s.File), s.Line)
		for i, line := range s.Lines {
			mark := " "
			if s.First+i == s.Line {
				mark = ">"
			}
			fmt.Fprintf(&out, "%s %4d  %s\n", mark, s.First+i, line)
		}
	}
	if d.Frames != nil {
		out.WriteString("\nCalls\n")
	}
	for _, frame := range d.Frames {
		mark := " "
		if frame.Own {
			mark = ">"
		}
		fmt.Fprintf(&out, "%s %s\n      %s:%d\n", mark, frame.Function, shortFile(frame.File), frame.Line)
	}
	if len(d.Errors) > 1 {
		out.WriteString("\nThe error and its causes\n")
		for _, e := range d.Errors {
			fmt.Fprintf(&out, "  %s: %s\n", e.Type, e.Text)
		}
	}
	if len(d.Steps) > 0 {
		out.WriteString("\nWhat was done for the request\n")
	}
	for _, step := range d.Steps {
		fmt.Fprintf(&out, "  %10s %10s %s%s %s\n", step.At, step.Took, strings.Repeat("  ", step.Depth), step.Text, step.Error)
	}
	for _, section := range debugSections {
		if facts := d.Facts[section]; len(facts) > 0 {
			fmt.Fprintf(&out, "\n%s\n", section)
			for _, name := range slices.Sorted(maps.Keys(facts)) {
				fmt.Fprintf(&out, "  %s: %s\n", name, facts[name])
			}
		}
	}
	return out.String()
}

// debugStyle is the style sheet of the debug page.
const debugStyle = `
:root{color-scheme:light dark;--paper:#f6f7f8;--card:#fff;--ink:#1c2327;--soft:#56636b;--line:#d5dbdf;--mark:#ffe3dc;--red:#a8321d;--code:#f0f2f4}
@media (prefers-color-scheme:dark){:root{--paper:#14181b;--card:#1d2327;--ink:#e6eaec;--soft:#a3afb6;--line:#364047;--mark:#54231a;--red:#ff9d88;--code:#161b1e}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
main{max-width:64rem;margin:0 auto;padding:1rem}
header{border-left:.4rem solid var(--red);padding:.25rem 0 .25rem 1rem;margin:1rem 0}
header p,footer p{margin:.25rem 0;color:var(--soft)}
.status b{color:var(--red)}
h1{font-size:1.4rem;line-height:1.3;margin:.25rem 0;overflow-wrap:anywhere;white-space:pre-wrap}
h2{font-size:1rem;margin:0 0 .5rem}
section,main>details{background:var(--card);border:1px solid var(--line);border-radius:.5rem;padding:1rem;margin:1rem 0}
section>p{margin:.25rem 0 .5rem;overflow-wrap:anywhere}
code,pre{font:.875rem/1.5 ui-monospace,monospace}
code{overflow-wrap:anywhere}
pre{margin:0;background:var(--code);border-radius:.25rem;padding:.5rem;overflow:auto}
.source{padding:.5rem 0;tab-size:4}
.source span,.source mark{display:block;min-width:max-content;padding:0 .5rem}
.source mark{background:var(--mark);color:inherit;font-weight:600;box-shadow:inset .25rem 0 var(--red)}
.source i{display:inline-block;width:3.5em;padding-right:1em;text-align:right;color:var(--soft);font-style:normal;font-weight:400;user-select:none}
ol{margin:0;padding-left:1.75rem}
li{margin:.25rem 0}
li span{display:block;color:var(--soft);overflow-wrap:anywhere}
summary{cursor:pointer;padding:.5rem 0}
main>details summary{padding:0;font-weight:600}
.copy{user-select:all;white-space:pre-wrap;overflow-wrap:anywhere}
dl{display:grid;grid-template-columns:minmax(8rem,14rem) 1fr;gap:.25rem 1rem;margin:0}
dt{color:var(--soft);overflow-wrap:anywhere}
dd{margin:0;overflow-wrap:anywhere}
.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:.25rem .75rem .25rem 0;vertical-align:top;border-bottom:1px solid var(--line);white-space:nowrap}
.failed td{color:var(--red)}
th{color:var(--soft);font-weight:400}
:focus-visible{outline:3px solid #4a90d9;outline-offset:2px}
@media (max-width:40rem){main{padding:.5rem}section,main>details{padding:.75rem}dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:.5rem}}
`
