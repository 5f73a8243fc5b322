// Cookies for plain http, on Cloud Run.
package main

import (
	"log"
	"os"

	"github.com/webapp2go/webapp2go/sessions"
)

func main() {
	os.Setenv("K_SERVICE", "shop")
	_, err := sessions.New(sessions.Config{
		Keys:     []sessions.Key{sessions.RandomKey()},
		Sessions: []sessions.Spec{{Insecure: true}},
	})
	log.Fatal(err)
}
