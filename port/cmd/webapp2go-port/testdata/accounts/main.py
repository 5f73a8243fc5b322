import webapp2
from webapp2_extras import auth, sessions, jinja2

def user_required(handler):
    def check_login(self, *args, **kwargs):
        if not self.auth.get_user_by_session():
            self.redirect(self.uri_for('login'), abort=True)
        return handler(self, *args, **kwargs)
    return check_login

class BaseHandler(webapp2.RequestHandler):
    @webapp2.cached_property
    def auth(self):
        return auth.get_auth()

    @webapp2.cached_property
    def session(self):
        return self.session_store.get_session(backend="datastore")

    def render_template(self, view, params=None):
        self.response.out.write(view)

    def dispatch(self):
        self.session_store = sessions.get_store(request=self.request)
        try:
            webapp2.RequestHandler.dispatch(self)
        finally:
            self.session_store.save_sessions(self.response)

class MainHandler(BaseHandler):
    def get(self):
        self.render_template('home.html')

class LoginHandler(BaseHandler):
    def get(self):
        self._serve_page()

    def post(self):
        self.auth.get_user_by_password(self.request.get('username'), self.request.get('password'), remember=True)
        self.redirect(self.uri_for('home'))

    def _serve_page(self, failed=False):
        self.render_template('login.html', {'failed': failed})

class VerificationHandler(BaseHandler):
    def get(self, *args, **kwargs):
        user_id = kwargs['user_id']
        self.user_model.validate_token(user_id, kwargs['signup_token'], 'signup')

class AuthenticatedHandler(BaseHandler):
    @user_required
    def get(self):
        self.render_template('authenticated.html')

class LogoutHandler(BaseHandler):
    def get(self):
        self.auth.unset_session()
        self.redirect_to('home')

config = {
    'webapp2_extras.auth': {'user_model': 'models.User', 'user_attributes': ['name']},
    'webapp2_extras.sessions': {
        'secret_key': 'kW8djLq-zz11-very-private',
        'cookie_name': 'accounts',
        'session_max_age': 3600 * 24,
        'cookie_args': {'max_age': 86400, 'httponly': True},
    },
}

app = webapp2.WSGIApplication([
    webapp2.Route('/', MainHandler, name='home'),
    webapp2.Route('/<type:v|p>/<user_id:\d+>-<signup_token:.+>', handler=VerificationHandler, name='verification'),
    webapp2.Route('/login', LoginHandler, name='login'),
    webapp2.Route('/logout', LogoutHandler, name='logout'),
    webapp2.Route('/authenticated', AuthenticatedHandler, name='authenticated'),
], debug=True, config=config)
