package templates_test

import "time"

// builtinData is what the built-in pages are given by the handlers of the same names.
var builtinData = map[string]any{
	"login":  map[string]any{"Next": "/cart", "Name": "ann", "Error": "Wrong.", "Field": "", "Notice": "Out.", "Unprocessed": true},
	"signup": map[string]any{"Next": "/cart", "Name": "ann", "Error": "Taken.", "Field": "name", "MinLength": 8, "Unprocessed": false},
	"error":  map[string]any{"Status": 404, "Text": "Not Found", "Message": "Nothing here.", "Retry": ""},
	"account": map[string]any{
		"Name": "ann", "Created": time.Now(), "Roles": []string{"admin"}, "Error": "Wrong.", "Field": "old", "MinLength": 8, "CannotList": false,
		"Count": 2, "Page": 1, "Pages": 1, "Recent": false, "ConfirmError": "Wrong.",
		"Sessions": []map[string]any{
			{"ID": "0123456789", "Created": time.Now(), "Expires": time.Now(), "Current": true},
			{"ID": "9876543210", "Created": time.Time{}, "Expires": time.Now(), "Current": false},
		},
	},
}
