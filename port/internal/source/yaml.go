package source

import (
	"cmp"
	"fmt"

	"go.yaml.in/yaml/v3"
)

// An AppYAML has what app.yaml says about the program.
type AppYAML struct {
	File     string
	Handlers []YAMLHandler
	Services []string // inbound_services
}

// A Job is a path of the application that cron.yaml calls, or a queue of queue.yaml.
type Job struct {
	File string
	Line int
	Name string // the path, or the queue
}

// parseJobs reads cron.yaml or queue.yaml.
func parseJobs(file string, data []byte) (jobs []Job, err error) {
	var raw struct {
		Cron  []yaml.Node `yaml:"cron"`
		Queue []yaml.Node `yaml:"queue"`
	}
	if err := yaml.Unmarshal(data, &raw); err != nil {
		return nil, fmt.Errorf("%s was not read: %w", file, err)
	}
	for _, node := range append(raw.Cron, raw.Queue...) {
		var job struct{ URL, Name string }
		if err := node.Decode(&job); err != nil {
			return nil, fmt.Errorf("%s was not read: %w", file, err)
		}
		jobs = append(jobs, Job{file, node.Line, cmp.Or(job.URL, job.Name)})
	}
	return jobs, nil
}

// A YAMLHandler is one entry of handlers in app.yaml.
type YAMLHandler struct {
	URL       string `yaml:"url"`
	Script    string `yaml:"script"`
	Login     string `yaml:"login"`
	Secure    string `yaml:"secure"`
	StaticDir string `yaml:"static_dir"`
	Static    string `yaml:"static_files"`
	Line      int    `yaml:"-"`
}

func parseAppYAML(file string, data []byte) (*AppYAML, error) {
	var raw struct {
		Handlers []yaml.Node `yaml:"handlers"`
		Inbound  []string    `yaml:"inbound_services"`
	}
	if err := yaml.Unmarshal(data, &raw); err != nil {
		return nil, fmt.Errorf("app.yaml was not read: %w", err)
	}
	a := &AppYAML{File: file, Services: raw.Inbound}
	for _, node := range raw.Handlers {
		h := YAMLHandler{Line: node.Line}
		if err := node.Decode(&h); err != nil {
			return nil, fmt.Errorf("app.yaml was not read: %w", err)
		}
		a.Handlers = append(a.Handlers, h)
	}
	return a, nil
}
