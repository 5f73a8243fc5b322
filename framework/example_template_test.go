package framework_test

import (
	"fmt"

	"github.com/webapp2go/webapp2go/framework"
)

func ExampleTemplate() {
	fmt.Println(framework.Template(`/archive/<year:\d{4}>/<slug>`))
	fmt.Println(framework.Template(`/<:(en|pt)>/home`))
	_, err := framework.Template(`/<name:(?!admin)\w+>`)
	fmt.Println(err)
	// Output:
	// /archive/{year:\d{4}}/{slug} <nil>
	// /{0:(?:en|pt)}/home <nil>
	// framework: route template "/<name:(?!admin)\\w+>": variable "name": (?! is a negative lookahead, which Go's regexp does not have; match more, and refuse in the handler
}
