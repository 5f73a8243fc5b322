from google.appengine.ext import webapp, deferred, db
from google.appengine.api import taskqueue, memcache, mail, urlfetch
from google.appengine.ext.webapp import blobstore_handlers
import webapp2

class Enqueue(webapp.RequestHandler):
    def get(self):
        taskqueue.add(url='/tasks/work', params={'key': 1})
        deferred.defer(print_it, 1)
        memcache.set('a', 1)

class Work(webapp.RequestHandler):
    def post(self):
        if 'X-AppEngine-QueueName' not in self.request.headers:
            self.error(403)
        mail.send_mail('a', 'b', 'c', 'd')
        urlfetch.fetch('http://example.com/')

class Upload(blobstore_handlers.BlobstoreUploadHandler):
    def post(self):
        self.get_uploads('file')

class Serve(blobstore_handlers.BlobstoreDownloadHandler):
    def get(self, key):
        self.send_blob(key)

class Trace(webapp.RequestHandler):
    def trace(self):
        pass

def print_it(x):
    print x

app = webapp.WSGIApplication([
    ('/enqueue', Enqueue),
    ('/tasks/work', Work),
    ('/upload', Upload),
    ('/serve/([^/]+)?', Serve),
    ('/trace', Trace),
])
