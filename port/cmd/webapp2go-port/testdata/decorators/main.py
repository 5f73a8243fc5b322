import webapp2
from google.appengine.ext import ndb
from webapp2_extras.appengine.users import login_required, admin_required
from google.appengine.api import users
import tools

class SecureBase(webapp2.RequestHandler):
    def dispatch(self):
        csp = 'default-src'
        self.response.headers['Content-Security-Policy'] = csp
        super(SecureBase, self).dispatch()
        self.response.headers['X-Done'] = '1'

class Private(SecureBase):
    def dispatch(self):
        user = users.get_current_user()
        if user:
            super(Private, self).dispatch()
        else:
            self.redirect(users.create_login_url())

class Closed(webapp2.RequestHandler):
    def dispatch(self):
        self.response.write('closed')

class Page(Private):
    @login_required
    def get(self):
        pass

    @tools.xsrf_protected
    @admin_required
    def post(self):
        pass

    @ndb.toplevel
    def put(self):
        pass

class Open(SecureBase):
    def get(self): pass

app = ndb.toplevel(webapp2.WSGIApplication([
    ('/', Open), ('/page', Page), ('/closed', Closed),
]))
