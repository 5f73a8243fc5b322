package templates_test

import "time"

// builtinData is what the built-in pages are given by the handlers of the same names.
var builtinData = map[string]any{
	"login":         map[string]any{"Next": "/cart", "Name": "ann", "Error": "Wrong.", "Field": "", "Notice": "Out.", "Unprocessed": true, "Remember": false, "ByEmail": true, "Providers": []map[string]any{{"Title": "Google", "Path": "/login/google", "AuthID": ""}, {"Title": "Other", "Path": "/login/other", "AuthID": "other:1"}}},
	"signup":        map[string]any{"Next": "/cart", "Name": "ann", "Error": "Taken.", "Field": "name", "MinLength": 8, "Unprocessed": false},
	"error":         map[string]any{"Status": 404, "Text": "Not Found", "Message": "Nothing here.", "Retry": ""},
	"signup-email":  map[string]any{"Next": "/cart", "Email": "ann@example.com", "Error": "Wrong.", "Field": "email"},
	"forgot":        map[string]any{"Email": "ann@example.com", "Error": "Wrong.", "Field": ""},
	"sent":          nil,
	"link-failed":   nil,
	"signup-finish": map[string]any{"Token": "x", "Email": "ann@example.com", "Name": "ann", "Other": "eve", "Action": "/x", "MinLength": 8, "Error": "Taken.", "Field": "name"},
	"reset":         map[string]any{"Token": "x", "Email": "ann@example.com", "Name": "ann", "Other": "eve", "Action": "/x", "MinLength": 8, "Error": "Short.", "Field": "password"},
	"link":          map[string]any{"Title": "Log in", "Text": "?", "Button": "Yes", "Token": "x", "Action": "/x", "Other": "eve", "Name": "ann", "NeedsPassword": true, "Error": "Wrong."},
	"confirm":       map[string]any{"Name": "ann", "Next": "/cart", "HasPassword": true, "CanMail": true, "Unprocessed": true, "Error": "Wrong.", "Providers": []map[string]any{{"Title": "Google", "Path": "/login/google", "AuthID": ""}, {"Title": "Other", "Path": "/login/other", "AuthID": "other:1"}}},
	"account": map[string]any{
		"Email": "ann@example.com", "Verified": false, "CanMail": true, "HasPassword": true, "Form": "password", "Providers": []map[string]any{{"Title": "Google", "Path": "/login/google", "AuthID": ""}, {"Title": "Other", "Path": "/login/other", "AuthID": "other:1"}},
		"Name": "ann", "Created": time.Now(), "Roles": []string{"admin"}, "Error": "Wrong.", "Field": "old", "MinLength": 8, "CannotList": false,
		"Count": 2, "Page": 1, "Pages": 1, "Recent": false,
		"Sessions": []map[string]any{
			{"ID": "0123456789", "Created": time.Now(), "Seen": time.Now(), "Expires": time.Now(), "Current": true, "Browser": "Firefox", "Address": "", "Remembered": true},
			{"ID": "9876543210", "Created": time.Time{}, "Seen": time.Time{}, "Expires": time.Now(), "Current": false, "Browser": "Chrome", "Address": "::1", "Remembered": false},
		},
	},
}
