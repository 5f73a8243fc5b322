import webapp2

class Vault(webapp2.RequestHandler):
    def get(self, volume_uuid):
        if not volume_uuid:
            self.abort(404)
        self.response.headers['Content-Type'] = 'application/json'

    def put(self, volume_uuid):
        try:
            body = self.request.body
        except ValueError, e:
            self.abort(400, `e`)

class Old(webapp2.RequestHandler):
    def get(self, year):
        self.redirect('/new/%s' % year, permanent=True)

class Serve(webapp2.RequestHandler):
    def get(self, resource=None):
        pass
