package handlers

import (
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/templates"
)

// CronHandler is for the jobs of App Engine's cron service, which sends a GET request at the
// times in cron.yaml, and for those of Cloud Scheduler. A job embeds it and does its work in
// Get:
//
//	type Cleaning struct{ handlers.CronHandler }
//
//	func (h *Cleaning) Get() error { ... }
//
// A job can be started twice, and again after a response that is 503, so running it twice
// must do no harm.
type CronHandler struct{ BaseHandler }

// Ready also reports that nothing could prove who calls, see [Site.VerifyCaller].
func (h *CronHandler) Ready() error { return h.readyForServices() }

// Guard responds with 403 to every client but the cron service, which sends the header
// X-Appengine-Cron. App Engine removes that header from other requests, except perhaps from
// those of administrators of the application: its documentation of 2016 said so. Elsewhere
// any client can send it, so Guard believes it only if App.TrustedProxy is
// [framework.AppEngine]. Other requests, such as those of Cloud Scheduler, pass if
// Site.VerifyCaller returns nil.
func (h *CronHandler) Guard() error {
	return h.onlyForServices(h.Request.Header.Get("X-Appengine-Cron") == "true", templates.Lazy("This page is for the cron service only."))
}

// TaskHandler is for the tasks of Cloud Tasks, and of App Engine's task queue before it. A
// kind of task embeds it and does its work in the method of the tasks, which is POST unless
// they say otherwise:
//
//	type Resize struct{ handlers.TaskHandler }
//
//	func (h *Resize) Post() error { ... }
//
// Any status of 200 to 299 ends the task, so one that can never succeed must return nil. After
// any other status the queue tries again, as its settings say; 503 also slows the whole queue
// down, and so does 429 for tasks that have a URL of their own. An error that the action
// returns is a 500, unless it has another status. A task can come twice, so running it twice
// must do no harm.
type TaskHandler struct{ BaseHandler }

// Ready also reports that nothing could prove who calls, see [Site.VerifyCaller].
func (h *TaskHandler) Ready() error { return h.readyForServices() }

// Guard responds with 403 to every client but the queue, which sends the header
// X-Appengine-QueueName on App Engine. Guard believes that header under the same conditions
// as [CronHandler.Guard] does its own. Other requests pass if Site.VerifyCaller returns nil; the
// header X-CloudTasks-QueueName proves nothing.
func (h *TaskHandler) Guard() error {
	return h.onlyForServices(h.Request.Header.Get("X-Appengine-Queuename") != "", templates.Lazy("This page is for the task queue only."))
}

var errNoCallers = errors.New("handlers: behind this proxy any client can send the headers of a cron job or a task, so no job could run: set Site.VerifyCaller, such as to the Verify of oidc.NewCallers, or remove the route")

// readyForServices reports a program that has been deployed where only Site.VerifyCaller can
// tell who calls. Without a proxy, as on a laptop, jobs respond with 403.
func (h *BaseHandler) readyForServices() error {
	if err := h.Ready(); err != nil {
		return err
	}
	if proxy := h.App.TrustedProxy; h.Site.VerifyCaller == nil && proxy != framework.AppEngine && proxy != framework.NoProxy {
		return errNoCallers
	}
	return nil
}

// onlyForServices is the Guard of jobs. Marked is whether the request has the header that App
// Engine gives to those of its own services.
func (h *BaseHandler) onlyForServices(marked bool, message templates.Message) error {
	if marked && h.App.TrustedProxy == framework.AppEngine {
		return nil
	}
	err := errors.New("the request is not marked by App Engine, and Site.VerifyCaller is nil")
	if h.Site.VerifyCaller != nil {
		if err = h.Site.VerifyCaller(h.Request); err == nil {
			return nil
		}
	}
	h.LogSecurity(AuthorizationFail, nil, slog.String("reason", err.Error()))
	if framework.Status(err) == http.StatusServiceUnavailable {
		return err // a queue tries again later
	}
	return &framework.Error{Code: http.StatusForbidden, Message: message.String(), Err: err}
}

// A Task is what a queue says about a task. It is for logs and for decisions about another
// attempt; Guard decides whether a queue has sent it.
type Task struct {
	Queue, Name string
	Retries     int       // attempts before this one; 0 for the first
	Executions  int       // how often the handler has responded with a failure, those of 5xx not counted
	ETA         time.Time // when the task was due; zero if the queue does not say
	LastStatus  int       // the status of the last attempt; 0 if there is none
	RetryReason string    // why the queue tries again; may be empty
}

// Task returns what the queue says about this task, in the headers X-Appengine-Task... or
// X-CloudTasks-Task... . What is missing or malformed is zero.
func (h *TaskHandler) Task() Task {
	prefix := "X-Cloudtasks-"
	if h.Request.Header.Get("X-Appengine-Queuename") != "" {
		prefix = "X-Appengine-"
	}
	text := func(name string) string { return h.Request.Header.Get(prefix + name) }
	number := func(name string) int {
		n, err := strconv.ParseUint(text(name), 10, 31)
		if err != nil {
			return 0
		}
		return int(n)
	}
	task := Task{
		Queue: text("Queuename"), Name: text("Taskname"),
		Retries: number("Taskretrycount"), Executions: number("Taskexecutioncount"),
		LastStatus: number("Taskpreviousresponse"), RetryReason: text("Taskretryreason"),
	}
	// Seconds since 1970, with a fraction.
	if seconds, err := strconv.ParseFloat(text("Tasketa"), 64); err == nil && seconds > 0 && seconds < 1<<32 {
		task.ETA = time.UnixMicro(int64(seconds * 1e6)).UTC()
	}
	return task
}
