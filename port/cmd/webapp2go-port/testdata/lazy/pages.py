import webapp2

class RootHandler(webapp2.RequestHandler):
    def get(self):
        """Handles default landing page"""
        self.response.write('%s' % u'grüß')

class ProfileHandler(RootHandler):
    pass
