import webapp2
from google.appengine.ext.webapp.mail_handlers import InboundMailHandler

class Inbound(InboundMailHandler):
    def receive(self, message):
        pass

app = webapp2.WSGIApplication([('/_ah/mail/inbox', Inbound)])
