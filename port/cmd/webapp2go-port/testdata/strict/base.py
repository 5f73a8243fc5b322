import webapp2
from webapp2_extras import sessions, i18n

class BaseHandler(webapp2.RequestHandler):
    def __init__(self, request, response):
        self.initialize(request, response)
        self.locale = i18n.get_i18n().locale

    def dispatch(self):
        self.session_store = sessions.get_store(request=self.request)
        try:
            webapp2.RequestHandler.dispatch(self)
        finally:
            self.session_store.save_sessions(self.response)

    @webapp2.cached_property
    def session(self):
        return self.session_store.get_session()

    @property
    def cart(self):
        return self.session_store.get_session(name='cart', backend='memcache')
