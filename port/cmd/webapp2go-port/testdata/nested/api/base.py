import webapp2

class BaseHandler(webapp2.RequestHandler):
    def initialize(self, request, response):
        super(BaseHandler, self).initialize(request, response)
        self.response.headers['X-Frame-Options'] = 'DENY'

    def dispatch(self):
        if not self.request.headers.get('X-XSRF-Token'):
            self.abort(403)
        super(BaseHandler, self).dispatch()

    def handle_exception(self, exception, debug_mode):
        self.response.set_status(500)

class Ping(BaseHandler):
    def get(self, version):
        self.response.write('pong')
